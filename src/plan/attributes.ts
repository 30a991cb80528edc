import type { DesiredAttribute, DesiredValue, ObservedAccount } from '../model/account.ts'
import type { NewAccount } from '../model/change.ts'
import type { Context } from './context.ts'
import type { Sheet, Verdict } from './sheet.ts'
import { adaptEach, sameValues } from './values.ts'
import type { Adapted } from './values.ts'
import { valuesOf } from './view.ts'

type Reference = Exclude<DesiredValue, readonly string[]>

/** Text of attributes alone: references to other people's accounts are updates of their own. */
export function textsOf(attributes: readonly DesiredAttribute[]): Readonly<Record<string, readonly string[]>> {
  const texts: Record<string, readonly string[]> = {}
  for (const { name, value } of attributes) {
    if (!isReference(value) && value.length > 0) texts[name] = value
  }
  return texts
}

/**
 * Notes down how an existing account's attributes differ from what is desired. Those with `write: create` were set once
 * and are not ours any more (law 7). Returns the account as the platform would hold it, for the expiry.
 */
export function diffAttributes(context: Context, sheet: Sheet, account: ObservedAccount): NewAccount {
  const attributes = sheet.desired.attributes(account.name).filter(({ write }) => write === 'always')
  const { name, container, enabled } = account
  const { expiresAt } = sheet.desired
  const adapted = adaptEach(context.view, { name, container, enabled, attributes: textsOf(attributes), expiresAt })
  for (const attribute of attributes) {
    if (isReference(attribute.value)) diffReference(context, sheet, attribute, attribute.value, account)
    else diffText(context, sheet, attribute, attribute.value, adapted, account)
  }
  return adapted.account
}

function diffText(
  context: Context,
  sheet: Sheet,
  { name, empty, reason }: DesiredAttribute,
  wanted: readonly string[],
  { account: adapted, refused }: Adapted,
  account: ObservedAccount,
): void {
  const from = valuesOf(account, name)
  const refusal = refused.get(name) ?? refused.get('')
  const to = refusal === undefined ? (adapted.attributes[name] ?? []) : wanted
  if (sameValues(context.view, name, from, to) || (to.length === 0 && empty === 'keep')) return
  let verdict: Verdict | null = null
  if (refusal !== undefined) verdict = { why: 'value-refused', text: `${name} of ${account.name}: ${refusal}` }
  else if (to.length === 0 && empty === 'reject') verdict = { why: 'empty-value', text: emptyText(name, account.name) }
  sheet.need(update(name, from, to), 'attributes', reason, { verdict })
}

function diffReference(
  context: Context,
  sheet: Sheet,
  attribute: DesiredAttribute,
  to: Reference,
  account: ObservedAccount,
): void {
  const from = valuesOf(account, attribute.name)
  const address = context.addressOf(to.accountOf, sheet.desired.identity)
  if (address !== null && sameValues(context.view, attribute.name, from, [address])) return
  needReference(context, sheet, attribute, to, from)
}

/** A reference is an update as soon as the other person's account is there, or comes to be by the same plan. */
export function needReference(
  context: Context,
  sheet: Sheet,
  attribute: DesiredAttribute,
  to: Reference,
  from: readonly string[] = [],
): void {
  const deed = update(attribute.name, from, to)
  const address = context.addressOf(to.accountOf, sheet.desired.identity)
  if (context.admittedOnly || address !== null) sheet.need(deed, 'attributes', attribute.reason)
  else if (context.matching.creating.has(to.accountOf)) {
    sheet.need(deed, 'attributes', attribute.reason, { awaits: to.accountOf })
  }
}

export function isReference(value: DesiredValue): value is Reference {
  return 'accountOf' in value
}

export function emptyText(attribute: string, account: string): string {
  return `${attribute} of ${account} would become empty, which the configuration rejects (empty: reject). Nothing was changed. Correct the source, or allow it with empty: keep or clear.`
}

/** Values in a fixed order, so that the same difference has the same fingerprint however the platform sorted them. */
function update(attribute: string, from: readonly string[], to: DesiredValue) {
  const sorted = isReference(to) ? to : to.toSorted()
  return { kind: 'update', field: { attribute, from: from.toSorted(), to: sorted } } as const
}
