import type { DesiredValue } from '../model/account.ts'
import type { Change } from '../model/change.ts'
import type { AuditRecord, ChangeResult, ClaimedObligation } from '../model/ledger.ts'

const newPassword = '(new password)'

type Particulars = Pick<AuditRecord, 'at' | 'action' | 'result'> &
  Partial<Pick<AuditRecord, 'account' | 'before' | 'after' | 'detail' | 'reason'>>

/** One line of the record: who asked, why, and what came of it. Passwords are symbolic everywhere. */
export function auditRecord(obligation: ClaimedObligation, change: Change | null, what: Particulars): AuditRecord {
  return {
    correlation: obligation.correlation,
    identity: obligation.identity,
    platform: obligation.platform,
    operator: obligation.operator,
    askedAt: obligation.effectiveAt ?? obligation.admittedAt,
    account: change?.account ?? null,
    reason: change?.reason ?? null,
    before: null,
    after: null,
    detail: null,
    ...what,
  }
}

export function auditResult(obligation: ClaimedObligation, result: ChangeResult, at: number): AuditRecord {
  const { change, status, error, outcome } = result
  const residual = outcome?.residual?.map(
    ({ what, until }) => `not ended by this: ${what}${until === null ? '' : ` until ${new Date(until).toISOString()}`}`,
  )
  const detail = [...(error === undefined ? [] : [`${error.code}: ${error.message}`]), ...(residual ?? [])]
  return auditRecord(obligation, change, {
    at,
    action: change.kind,
    ...beforeAndAfter(change),
    result: status,
    detail: detail.length === 0 ? null : detail.join('; '),
  })
}

function beforeAndAfter(change: Change): { readonly before: string | null; readonly after: string | null } {
  switch (change.kind) {
    case 'create': {
      const { name, container, enabled, attributes } = change.desired
      const shown = Object.entries(attributes).map(([key, values]) => [key, showValue(key, values)])
      return { before: null, after: JSON.stringify({ name, container, enabled, ...Object.fromEntries(shown) }) }
    }
    case 'update': {
      const { attribute, from, to } = change.field
      return {
        before: `${attribute}: ${showValue(attribute, from)}`,
        after: `${attribute}: ${showValue(attribute, to)}`,
      }
    }
    case 'rename':
    case 'move':
      return { before: change.from, after: change.to }
    case 'expire':
      return { before: showInstant(change.from), after: showInstant(change.to) }
    case 'grant':
      return { before: null, after: change.entitlement }
    case 'revoke':
      return { before: change.entitlement, after: null }
    case 'enable':
      return { before: 'shut', after: 'open' }
    case 'disable':
      return { before: 'open', after: change.protocol === 'leaver' ? `shut, ${newPassword}` : 'shut' }
    case 'issue-credential':
      return { before: null, after: newPassword }
    case 'link':
      return { before: null, after: `linked by ${change.by}` }
    case 'delete':
      return { before: change.account, after: null }
  }
}

function showValue(attribute: string, value: DesiredValue): string {
  // Nobody should map a password to an attribute; if somebody does, it still does not get in here.
  if (/passw|pwd|secret/i.test(attribute)) return newPassword
  return 'accountOf' in value ? `account of ${value.accountOf}` : value.join(', ')
}

function showInstant(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
