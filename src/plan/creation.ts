import type { DesiredAccount } from '../model/account.ts'
import type { NewAccount } from '../model/change.ts'
import type { Link } from '../model/ledger.ts'
import { emptyText, isReference, needReference, textsOf } from './attributes.ts'
import type { Context } from './context.ts'
import { grantAll } from './entitlements.ts'
import { hasStrongKey } from './matching.ts'
import { Sheet } from './sheet.ts'
import type { Verdict } from './sheet.ts'
import { adaptEach, refusalOf } from './values.ts'

/**
 * A person who shall have an account and has none that is known: the create, with references and grants of its own.
 * `verdict` stands against it from the start, such as an account that another hand deleted.
 */
export function create(context: Context, desired: DesiredAccount, link: Link | null, verdict: Verdict | null): Sheet {
  const occupied = occupiedBy(context, desired)
  if (occupied !== null) return shapeless(desired, link, occupied, occupiedVerdict(desired, occupied))
  let sheet = new Sheet(desired, link, { name: desired.key })
  const failure = refusalOf(() => {
    const names = context.names.allocate(desired)
    sheet =
      names.length === 0
        ? shapeless(desired, link, desired.key, unnamedVerdict(context, desired))
        : named(context, desired, link, names as [string, ...string[]], verdict)
  })
  if (failure === null) return sheet
  return shapeless(desired, link, desired.key, { why: 'value-refused', text: failure })
}

function named(
  context: Context,
  desired: DesiredAccount,
  link: Link | null,
  names: readonly [string, ...string[]],
  verdict: Verdict | null,
): Sheet {
  const sheet = new Sheet(desired, link, { name: names[0] })
  for (const name of names) needAccount(context, sheet, name, verdict)
  for (const attribute of desired.attributes(names[0])) {
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
  const [bad] = [...refused].map(([attribute, why]) => (attribute === '' ? why : `${attribute} of ${name}: ${why}`))
  const empty = attributes.find(({ value, empty }) => empty === 'reject' && !isReference(value) && value.length === 0)
  const account = { name, container, enabled, attributes: adapted.attributes, expiresAt: adapted.expiresAt }
  if (bad !== undefined) needCreate(sheet, account, { why: 'value-refused', text: bad })
  else if (empty !== undefined) needCreate(sheet, account, { why: 'empty-value', text: emptyText(empty.name, name) })
  else needCreate(sheet, account, verdict)
}

/** Nothing is known of the account but what it might be called: the create is shown, and held back. */
function shapeless(desired: DesiredAccount, link: Link | null, name: string, verdict: Verdict): Sheet {
  const sheet = new Sheet(desired, link, { name })
  needCreate(sheet, { name, container: '', enabled: false, attributes: {}, expiresAt: null }, verdict)
  return sheet
}

function needCreate(sheet: Sheet, account: NewAccount, verdict: Verdict | null): void {
  sheet.need({ kind: 'create', desired: account }, 'create', sheet.desired.reason, { verdict })
}

/** So many candidates are named. */
const mostNamed = 3

/** Which of the two stands in the way decides what helps: a number behind a protected name is as protected. */
function unnamedVerdict({ names }: Context, desired: DesiredAccount): Verdict {
  const candidates = [...desired.names()]
  const barred = candidates.filter((name) => names.isProtected(name.toLowerCase()))
  const shown = [...candidates.slice(0, mostNamed), ...(candidates.length > mostNamed ? ['…'] : [])].join(', ')
  const [what, way] =
    barred.length === 0
      ? ['is taken', 'Add one to "name" in the configuration, such as one that uses n.']
      : barred.length < candidates.length
        ? ['is taken or matched by safety.protected', 'Add one to "name" in the configuration that is neither.']
        : ['is matched by safety.protected', 'Change that pattern, or add one to "name" that it does not match.']
  const { identity, platform } = desired
  return {
    why: 'no-name',
    text: `No free name for ${identity} on ${platform}: every candidate (${shown}) ${what}. ${way}`,
  }
}

function occupiedVerdict({ identity, platform }: DesiredAccount, name: string): Verdict {
  const what = `${name} on ${platform} stands under the name that was claimed for ${identity}, and no strong key says whose it is`
  return { why: 'disputed', text: `${what}. Link it with "keyturn adopt ${platform}", or rename it there.` }
}

/**
 * An account stands under the name that was claimed for this person. With a strong key it would have been found if it
 * were theirs; without one nobody can tell, and a second account is not made on a guess.
 */
function occupiedBy(context: Context, desired: DesiredAccount): string | null {
  if (hasStrongKey(desired)) return null
  return context.names.occupied(desired)
}
