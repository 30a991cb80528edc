import type { DesiredEntitlement, ObservedAccount } from '../model/account.ts'
import type { Reason } from '../model/place.ts'
import { showPlace } from '../model/place.ts'
import type { ModeKind } from '../model/settings.ts'
import type { Context } from './context.ts'
import type { Sheet, Verdict } from './sheet.ts'

/**
 * Notes down grants that are missing, and revocations of what nobody gives any more: only memberships that the ledger
 * records as ours, unless the entitlement is declared `exact` (law 7). `exact` reaches the accounts of people; what an
 * account has that is nobody's is a finding for a person, never a change.
 */
export function diffEntitlements(context: Context, sheet: Sheet, account: ObservedAccount): void {
  const wanted = new Set(sheet.desired.entitlements.map(({ name }) => name))
  const held = new Set(account.entitlements)
  for (const name of [...held].toSorted()) {
    const reason = wanted.has(name) ? null : revocable(context, sheet, name)
    if (reason !== null) revoke(context, sheet, name, 'entitlements', reason)
  }
  for (const entitlement of sheet.desired.entitlements) {
    if (!held.has(entitlement.name)) grant(context, sheet, entitlement)
  }
}

/** Strips a shut account as the leaver settings say; `keep` wins over everything, also over `exact`. */
export function stripEntitlements(
  context: Context,
  sheet: Sheet,
  account: ObservedAccount,
  { strip, keep }: { readonly strip: 'all' | 'ours' | 'none'; readonly keep: readonly string[] },
): void {
  if (strip === 'none') return
  for (const name of [...new Set(account.entitlements)].toSorted()) {
    if (keep.includes(name)) continue
    const reason = strip === 'all' ? sheet.desired.reason : revocable(context, sheet, name)
    if (reason !== null) revoke(context, sheet, name, 'revoke', reason)
  }
}

/** Grants everything to an account that is to be made. */
export function grantAll(context: Context, sheet: Sheet): void {
  for (const entitlement of sheet.desired.entitlements) grant(context, sheet, entitlement)
}

function grant(context: Context, sheet: Sheet, { name, reason }: DesiredEntitlement): void {
  const entry = context.index.catalogue.get(name)
  const verdict = entry === undefined ? missing(context, name, reason) : null
  const privileged = entry?.privileged === true ? { privileged: true } : {}
  sheet.need({ kind: 'grant', entitlement: name, ...privileged }, 'entitlements', reason, { verdict })
}

function revoke(context: Context, sheet: Sheet, name: string, mode: ModeKind, reason: Reason): void {
  const privileged = context.index.catalogue.get(name)?.privileged === true ? { privileged: true } : {}
  sheet.need({ kind: 'revoke', entitlement: name, ...privileged }, mode, reason)
}

function missing(context: Context, name: string, reason: Reason): Verdict {
  const { id } = context.view.settings
  const where = reason.place === undefined ? reason.text : `${reason.text}, ${showPlace(reason.place)}`
  const text = `${id} has no entitlement "${name}" now, which ${where} gives. Create it there, or correct the rule.`
  return { why: 'missing-entitlement', text }
}

/** Why Keyturn may take this membership away, or null when it may not. */
function revocable(context: Context, sheet: Sheet, name: string): Reason | null {
  const ours = context.index.grantsOf(sheet.desired.identity).find((one) => one.entitlement === name)
  if (ours !== undefined) return { ...ours.reason, text: `no longer: ${ours.reason.text}` }
  if (context.index.catalogue.get(name)?.members !== 'exact') return null
  const place = context.view.settings.entitlements.named[name]?.place
  return { kind: 'setting', text: 'members: exact, and no role gives it', ...(place === undefined ? {} : { place }) }
}
