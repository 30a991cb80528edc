import type { Change, FieldDiff } from './change.ts'

/** One change as a clause for people, with whose account it is: `disable ann.example (leaver)`. */
export function summary(change: Change): string {
  const { account } = change
  switch (change.kind) {
    case 'link':
      return `link ${account} by ${change.by}`
    case 'create':
      return `create ${account} in ${change.desired.container}${change.desired.enabled ? '' : ' (no sign-in yet)'}`
    case 'disable':
      return `disable ${account} (${change.protocol === 'leaver' ? 'leaver' : 'suspended'})`
    case 'rename':
    case 'move':
      return `${change.kind} ${account} from ${change.from} to ${change.to}`
    case 'update':
      return updated(account, change.field)
    case 'expire':
      return `let ${account} expire ${change.to === null ? 'never' : `on ${new Date(change.to).toISOString()}`}`
    case 'grant':
      return `grant ${entitlementOf(change)} to ${account}`
    case 'revoke':
      return `revoke ${entitlementOf(change)} from ${account}`
    case 'issue-credential':
      return `issue a new ${change.credential} for ${account}`
    case 'enable':
    case 'delete':
      return `${change.kind} ${account}`
  }
}

function entitlementOf({ entitlement, privileged }: Extract<Change, { kind: 'grant' | 'revoke' }>): string {
  return privileged === true ? `${entitlement} (privileged)` : entitlement
}

function updated(account: string, { attribute, from, to }: FieldDiff): string {
  const next = 'accountOf' in to ? `the account of ${to.accountOf}` : listOf(to)
  return `set ${attribute} of ${account} from ${listOf(from)} to ${next}`
}

function listOf(values: readonly string[]): string {
  return values.length === 0 ? 'nothing' : values.map((value) => JSON.stringify(value)).join(', ')
}
