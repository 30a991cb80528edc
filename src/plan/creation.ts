import type { DesiredAccount } from '../model/account.ts'
import type { Link } from '../model/ledger.ts'
import { emptyText, isReference, needReference, textsOf } from './attributes.ts'
import type { Context } from './context.ts'
import { grantAll } from './entitlements.ts'
import { Sheet } from './sheet.ts'
import type { Verdict } from './sheet.ts'
import { adaptEach } from './values.ts'

/**
 * A person who shall have an account and has none that is known: the create, with references and grants of its own.
 * `verdict` stands against it from the start, such as an account that another hand deleted.
 */
export function create(context: Context, desired: DesiredAccount, link: Link | null, verdict: Verdict | null): Sheet {
  const occupied = occupiedBy(context, desired)
  const [first, ...others] = occupied === null ? context.names.allocate(desired) : []
  if (first === undefined) return unnamed(context, desired, link, occupied)
  const sheet = new Sheet(desired, link, { name: first })
  for (const name of [first, ...others]) needAccount(context, sheet, name, verdict)
  for (const attribute of desired.attributes(first)) {
    if (isReference(attribute.value)) needReference(context, sheet, attribute, attribute.value)
  }
  grantAll(context, sheet)
  return sheet
}

function needAccount(context: Context, sheet: Sheet, name: string, verdict: Verdict | null): void {
  const { desired } = sheet
  const attributes = desired.attributes(name)
  const container = desired.container(name)
  const enabled = desired.state === 'open'
  const wanted = { name, container, enabled, attributes: textsOf(attributes), expiresAt: desired.expiresAt }
  const { account: adapted, refused } = adaptEach(context.view, wanted)
  const bad = [...refused].map(
    ([attribute, why]): Verdict => ({ why: 'value-refused', text: refusal(name, attribute, why) }),
  )
  const empty = attributes
    .filter(({ value, empty }) => empty === 'reject' && !isReference(value) && value.length === 0)
    .map((attribute): Verdict => ({ why: 'empty-value', text: emptyText(attribute.name, name) }))
  const account = { name, container, enabled, attributes: adapted.attributes, expiresAt: adapted.expiresAt }
  const against = bad[0] ?? empty[0] ?? verdict
  sheet.need({ kind: 'create', desired: account }, 'create', desired.reason, { verdict: against })
}

function refusal(name: string, attribute: string, why: string): string {
  return attribute === '' ? `${name}: ${why}` : `${attribute} of ${name}: ${why}`
}

/** Nothing to call it: the create is shown under the person's key, and held back. */
function unnamed(context: Context, desired: DesiredAccount, link: Link | null, occupied: string | null): Sheet {
  const { id } = context.view.settings
  const text =
    occupied === null
      ? `No free name for ${desired.identity} on ${id}: every candidate is taken or protected. Add a candidate that uses n.`
      : `${occupied} on ${id} stands under the name that was claimed for ${desired.identity}, and no strong key says whose it is. Link it with "keyturn adopt ${id}", or rename it there.`
  const sheet = new Sheet(desired, link, { name: occupied ?? desired.key })
  const account = { name: occupied ?? desired.key, container: '', enabled: false, attributes: {}, expiresAt: null }
  const verdict = { why: occupied === null ? 'no-name' : 'disputed', text } as const
  sheet.need({ kind: 'create', desired: account }, 'create', desired.reason, { verdict })
  return sheet
}

/**
 * An account stands under the name that was claimed for this person. With a strong key it would have been found if it
 * were theirs; without one nobody can tell, and a second account is not made on a guess.
 */
function occupiedBy(context: Context, desired: DesiredAccount): string | null {
  if (desired.matches.some(({ value, then }) => then === 'link' && value !== '')) return null
  return context.names.occupied(desired)
}
