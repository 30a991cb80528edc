import { openFeed } from '../intake/index.ts'
import type { Identity, IntakeResult } from '../model/identity.ts'
import type { SourceSettings } from '../model/settings.ts'
import { overruled } from '../policy/override.ts'
import { openSource } from '../sources/index.ts'
import type { Keyturn } from './context.ts'

/** Everybody as the sources describe them now, with what each read gave. Nothing is stored yet. */
export interface People {
  /** In the order of their ids, so that names are allocated in the same order everywhere. */
  readonly identities: readonly Identity[]
  readonly intakes: readonly IntakeResult[]
}

/** Reads every source. A feed that cannot be accepted leaves its people as the ledger knows them, with the clock gone on. */
export async function readPeople(keyturn: Keyturn, signal: AbortSignal): Promise<People> {
  const intakes: IntakeResult[] = []
  for (const source of Object.values(keyturn.settings.sources)) {
    intakes.push(await readSource(keyturn, source, signal))
  }
  const identities = intakes.flatMap((intake) => intake.identities)
  identities.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
  return { identities: await overlaid(keyturn, identities), intakes }
}

/** These people with the operators' words laid over what the sources say. */
export async function overlaid(keyturn: Keyturn, identities: readonly Identity[]): Promise<readonly Identity[]> {
  const now = keyturn.clock()
  const few = identities.length <= fewPeople ? identities.map(({ id }) => id) : undefined
  const overrides = Map.groupBy(await keyturn.ledger.overrides(now, few), ({ identity }) => identity)
  if (overrides.size === 0) return identities
  return identities.map((identity) => {
    const some = overrides.get(identity.id)
    return some === undefined ? identity : overruled(identity, some, now)
  })
}

/** For so many, only their overrides are asked for; for more, all that there are, which are few. */
const fewPeople = 1_000

/** Reads one source and works out what it means against what the ledger knows. Stores nothing. */
export async function readSource(
  keyturn: Keyturn,
  settings: SourceSettings,
  signal: AbortSignal,
): Promise<IntakeResult> {
  const [previous, lastRead] = await Promise.all([
    keyturn.ledger.identities(settings.id),
    keyturn.ledger.acceptedRead(settings.id),
  ])
  const feed = openFeed({ settings, previous, lastRead, now: keyturn.clock() })
  const reader = openSource(settings, keyturn.clock).read(signal)
  for (;;) {
    const step = await reader.next()
    if (step.done === true) return feed.close(step.value)
    feed.take(step.value)
  }
}
