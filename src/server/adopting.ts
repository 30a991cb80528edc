import type { DesiredAccount, ObservedAccount } from '../model/account.ts'
import { KeyturnError } from '../model/errors.ts'
import type { Identity, IdentityId } from '../model/identity.ts'
import type { AuditRecord, Link } from '../model/ledger.ts'
import { surveyAccounts } from '../plan/index.ts'
import type { SurveyedAccount } from '../plan/index.ts'
import type { Keyturn } from './context.ts'
import { readPeople } from './people.ts'
import type { People } from './people.ts'
import { groupHeld } from './planning.ts'
import { surveyPlatform } from './survey.ts'

/** One existing account and whose it would be. `proposed`: a weak key names one person, and them only. */
export interface Adoptable {
  readonly account: ObservedAccount
  readonly situation: SurveyedAccount['situation'] | 'proposed'
  /** Whose it is (linked) or would be (unlinked, proposed), or null. */
  readonly identity: IdentityId | null
  /** The key that says so, or why it cannot be said; of a linked one: who has none because their key finds this one. */
  readonly by: string
}

export interface Adoption {
  readonly people: People
  readonly accounts: readonly Adoptable[]
}

/** Looks at every account of one platform. Throws KeyturnError when the platform cannot be read as a whole. */
export async function surveyAdoption(keyturn: Keyturn, platform: string, signal: AbortSignal): Promise<Adoption> {
  const people = await readPeople(keyturn, signal)
  const view = await surveyPlatform(keyturn, platform, signal)
  const surveyed = surveyAccounts(view, await desiredOf(keyturn, platform, people.identities))
  const proposals = Map.groupBy(
    surveyed.filter((one) => one.situation === 'unmatched').flatMap((one) => one.people),
    (identity) => identity,
  )
  const single = (identity: IdentityId) => proposals.get(identity)?.length === 1
  return { people, accounts: surveyed.map((one) => adoptable(one, single)) }
}

function adoptable(one: SurveyedAccount, single: (identity: IdentityId) => boolean): Adoptable {
  const { account, people } = one
  const [identity = null, ...others] = people
  const by = one.by ?? ''
  if (identity === null || one.situation === 'disputed')
    return { account, situation: one.situation, identity: null, by }
  if (one.situation !== 'unmatched') return { account, situation: one.situation, identity, by }
  if (others.length === 0 && single(identity)) return { account, situation: 'proposed', identity, by }
  return { account, situation: 'disputed', identity: null, by: `${people.join(', ')} by ${by}` }
}

async function desiredOf(
  keyturn: Keyturn,
  platform: string,
  identities: readonly Identity[],
): Promise<readonly DesiredAccount[]> {
  const held = groupHeld(await keyturn.ledger.heldRoles())
  const now = keyturn.clock()
  return identities.map((identity) => keyturn.policy.desire(identity, platform, held.get(identity.id) ?? [], now))
}

/** Whom to link with what: by `--confirm` all that were proposed or matched, by `--from` what the file says. */
export interface Choice {
  readonly identity: IdentityId
  readonly nativeId: string
}

/**
 * Reads `key,native id` lines (a header line of those words is skipped) and checks all of them against what is there.
 * Throws KeyturnError `usage` that names every wrong line; then nothing is linked.
 */
export function readChoices(text: string, file: string, adoption: Adoption): readonly Choice[] {
  const accounts = new Map(adoption.accounts.map((one) => [one.account.nativeId.toLowerCase(), one]))
  const { identities } = adoption.people
  const people = Map.groupBy(
    identities.flatMap(({ id, key }) => [...new Set([id, key])].map((name) => ({ id, name }))),
    ({ name }) => name,
  )
  const given = new Given(adoption)
  const wrong: string[] = []
  const choices = text.split(/\r?\n/).flatMap((line, index): readonly Choice[] => {
    if (line.trim() === '' || (index === 0 && /^key\s*[,;]/i.test(line))) return []
    const [key = '', native = ''] = line.split(/[,;]/, 2).map((part) => part.trim())
    const [person, ...others] = people.get(key) ?? []
    const account = accounts.get(native.toLowerCase())?.account
    const objections = [
      ...(person === undefined ? [`nobody has the key "${key}"`] : []),
      ...(others.length > 0 ? [`several sources have the key "${key}"; write SOURCE:${key}`] : []),
      ...(account === undefined ? [`no account has the native id "${native}"`] : []),
      ...(person === undefined || account === undefined ? [] : given.objections(person.id, account, index + 1)),
    ]
    wrong.push(...objections.map((objection) => `${file}:${index + 1} ${objection}`))
    return person === undefined || account === undefined ? [] : [{ identity: person.id, nativeId: account.nativeId }]
  })
  if (wrong.length === 0) return choices
  throw new KeyturnError('usage', `nothing was linked; ${wrong.length} wrong line(s):\n  ${wrong.join('\n  ')}`, {
    hint: 'Each line is: key,native id. "keyturn adopt PLATFORM --json" shows both.',
  })
}

/** Who has which account, by an earlier link or by an earlier line: nobody gets a second one, no account a second owner. */
class Given {
  readonly #accounts = new Map<IdentityId, { readonly nativeId: string; readonly where: string }>()
  readonly #owners = new Map<string, { readonly identity: IdentityId; readonly where: string }>()

  constructor({ accounts }: Adoption) {
    for (const { situation, identity, account } of accounts) {
      if (situation === 'linked' && identity !== null) this.#note(identity, account.nativeId, 'already')
    }
  }

  objections(identity: IdentityId, { nativeId, name }: ObservedAccount, line: number): readonly string[] {
    const owner = this.#owners.get(nativeId)
    const account = this.#accounts.get(identity)
    this.#note(identity, nativeId, `by line ${line}`)
    return [
      ...(owner === undefined || owner.identity === identity
        ? []
        : [`the account ${name} is linked to ${owner.identity} ${owner.where}`]),
      ...(account === undefined || account.nativeId === nativeId
        ? []
        : [`${identity} is linked to another account, ${account.nativeId}, ${account.where}`]),
    ]
  }

  #note(identity: IdentityId, nativeId: string, where: string): void {
    if (!this.#owners.has(nativeId)) this.#owners.set(nativeId, { identity, where })
    if (!this.#accounts.has(identity)) this.#accounts.set(identity, { nativeId, where })
  }
}

/** Stores the people and the links; the platform itself is not touched. */
export async function confirmAdoption(
  keyturn: Keyturn,
  platform: string,
  adoption: Adoption,
  choices: readonly Choice[],
): Promise<number> {
  const accounts = new Map(adoption.accounts.map((one) => [one.account.nativeId, one]))
  const chosen = choices.flatMap((choice) => {
    const one = accounts.get(choice.nativeId)
    return one === undefined || one.situation === 'linked' ? [] : [{ ...choice, ...one, identity: choice.identity }]
  })
  const now = keyturn.clock()
  for (const intake of adoption.people.intakes) await keyturn.ledger.saveIntake(intake, keyturn.correlation)
  const links = chosen.map(
    ({ identity, account }): Link => ({
      identity,
      platform,
      nativeId: account.nativeId,
      name: account.name,
      address: account.address,
      how: 'adopted',
      linkedAt: now,
      shutByUs: null,
      passwordScrambled: false,
    }),
  )
  const audit = chosen.map(
    ({ identity, account, by }): AuditRecord => ({
      at: now,
      correlation: keyturn.correlation,
      identity,
      platform,
      account: account.name,
      action: 'adopted',
      reason: { kind: 'operator', text: by === '' ? 'named by the operator' : by },
      operator: keyturn.operator,
      before: null,
      after: account.nativeId,
      askedAt: now,
      result: 'done',
      detail: null,
    }),
  )
  await keyturn.ledger.adopt(links, audit)
  return links.length
}
