import type { Change, FieldDiff } from '../model/change.ts'

/** One change on one line, for people: `disable wiki jane.doe (leaver)`. */
export function summary(change: Change): string {
  const detail = detailOf(change)
  const line = `${change.kind} ${change.platform} ${change.account}`
  return detail === null ? line : `${line} (${detail})`
}

function detailOf(change: Change): string | null {
  switch (change.kind) {
    case 'link':
      return `by ${change.by}`
    case 'create':
      return change.desired.enabled ? change.desired.container : `${change.desired.container}, shut`
    case 'disable':
      return change.protocol
    case 'rename':
    case 'move':
      return `${change.from} -> ${change.to}`
    case 'update':
      return fieldOf(change.field)
    case 'expire':
      return `${dateOf(change.from)} -> ${dateOf(change.to)}`
    case 'grant':
    case 'revoke':
      return change.privileged === true ? `${change.entitlement}, privileged` : change.entitlement
    case 'issue-credential':
      return change.credential
    case 'enable':
    case 'delete':
      return null
  }
}

function fieldOf({ attribute, from, to }: FieldDiff): string {
  const next = 'accountOf' in to ? `account of ${to.accountOf}` : listOf(to)
  return `${attribute}: ${listOf(from)} -> ${next}`
}

function listOf(values: readonly string[]): string {
  return values.length === 0 ? 'nothing' : values.map((value) => `"${value}"`).join(', ')
}

function dateOf(at: number | null): string {
  return at === null ? 'never' : new Date(at).toISOString()
}
