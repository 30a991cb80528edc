// Why somebody has no account: what a plan for this one person says, made by a look at the platforms. Changes nothing.
import type { DesiredAccount } from '../model/account.ts'
import { awaitsDecision } from '../model/change.ts'
import type { Change, Withheld } from '../model/change.ts'
import type { Identity } from '../model/identity.ts'
import { SECOND } from '../model/instant.ts'
import type { Unlinked } from '../report/explanation.ts'
import { planConcerned } from './concerned.ts'
import type { Keyturn } from './context.ts'
import { overlaid } from './people.ts'

/** Whoever asks in the night is not kept waiting by a platform that is down. */
const answerAtMost = 5 * SECOND

/**
 * Looks at the platforms on which this person has no link and may have an account. What waits for a decision is left out:
 * it is a hold, and is told as one.
 */
export async function whyUnlinked(
  keyturn: Keyturn,
  person: Identity,
  unlinked: readonly DesiredAccount[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, { readonly unlinked: Unlinked }>> {
  const asked = unlinked.filter(({ create, matches }) => create || matches.length > 0).map(({ platform }) => platform)
  if (asked.length === 0) return new Map()
  const down = new Set(keyturn.connectors.keys()).difference(new Set(asked))
  const people = [person, ...(await namesakes(keyturn, person))]
  const { planned, blind } = await planConcerned(keyturn, people, { signal, patience: answerAtMost, down })
  const { changes, withheld, undecided = [] } = planned.plan
  return new Map(
    asked.map((platform) => {
      const isOwn = (change: Change) => change.identity === person.id && change.platform === platform
      const own = withheld.filter(({ change }) => isOwn(change))
      const isLeftOpen = undecided.includes(person.id) && own.length === 0 && !changes.some(isOwn)
      const unseen = blind.includes(platform) ? 'no-answer' : isLeftOpen ? 'needs-whole-plan' : null
      return [platform, { unlinked: { withheld: obstacles(own), unseen } }]
    }),
  )
}

/** What keeps an account from being linked or made, each once, however many accounts it is about. */
function obstacles(withheld: readonly Withheld[]): Unlinked['withheld'] {
  const hindering = withheld.filter(
    (one) => (one.change.kind === 'create' || one.change.kind === 'link') && !awaitsDecision(one),
  )
  return [...new Map(hindering.map(({ why, text }) => [`${why} ${text}`, { why, text }])).values()]
}

/** People of other sources with the same key: what a key finds is said only with everybody who has it. */
async function namesakes(keyturn: Keyturn, { id, key }: Identity): Promise<readonly Identity[]> {
  const ids = Object.keys(keyturn.settings.sources).map((source) => `${source}:${key}`)
  return overlaid(keyturn, await keyturn.ledger.identitiesById(ids.filter((one) => one !== id)))
}
