import type { Change } from '../model/change.ts'

/** One clause for the person who decides over a hold, such as `disable ann.example (leaver)`. */
export function summarise(change: Change): string {
  const { account } = change
  switch (change.kind) {
    case 'create':
      return `create ${account} in ${change.desired.container}`
    case 'disable':
      return `disable ${account} (${change.protocol === 'leaver' ? 'leaver' : 'suspended'})`
    case 'rename':
    case 'move':
      return `${change.kind} ${account} from ${change.from} to ${change.to}`
    case 'update':
      return `set ${change.field.attribute} of ${account} to ${show(change.field.to)}`
    case 'expire':
      return `let ${account} expire ${change.to === null ? 'never' : `on ${new Date(change.to).toISOString()}`}`
    case 'grant':
      return `grant ${change.entitlement} to ${account}`
    case 'revoke':
      return `revoke ${change.entitlement} from ${account}`
    case 'issue-credential':
      return `issue a new ${change.credential} for ${account}`
    case 'link':
      return `link ${account} by ${change.by}`
    case 'enable':
    case 'delete':
      return `${change.kind} ${account}`
  }
}

function show(to: Extract<Change, { kind: 'update' }>['field']['to']): string {
  if ('accountOf' in to) return `the account of ${to.accountOf}`
  return to.length === 0 ? 'nothing' : to.map((value) => JSON.stringify(value)).join(', ')
}
