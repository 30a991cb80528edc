// A process of its own: reads whole feeds, plans many people or everybody, admits. One pass after the other, as the daemon asks.
import { KeyturnError, summarise } from '../../model/errors.ts'
import type { Identity, IdentityId, IntakeResult } from '../../model/identity.ts'
import { SECOND } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { Logger } from '../../model/ports.ts'
import type { LookAgain } from '../../model/running.ts'
import type { SourceSettings } from '../../model/settings.ts'
import { admissionOf } from '../admitting.ts'
import type { Answered, Planned } from '../admitting.ts'
import { planConcerned } from '../concerned.ts'
import { openKeyturn, storyOf } from '../context.ts'
import type { Keyturn } from '../context.ts'
import { openLog } from '../log.ts'
import { overlaid, readSource } from '../people.ts'
import { planPeople } from '../planning.ts'
import { hearDaemon } from './children.ts'
import type { Begin, Daemon, PassReport } from './children.ts'
import { tellIntake, tellPlan } from './stories.ts'

/** More people than this are planned with everybody else: one bulk read serves them better than questions. */
const fewPeople = 500
const tellEvery = SECOND / 5
const mostMarks = 100_000
/** Somebody else may accept a read of the same feed meanwhile: then it is read once more. */
const mostReads = 5

/** The `pass` task: until the daemon stops it. Throws KeyturnError `stopped` then, another where nothing could be done at all. */
export async function runPass(): Promise<never> {
  const daemon = hearDaemon(() => undefined)
  const logger = await openLog({ level: 'info', pretty: process.stderr.isTTY })
  for (;;) {
    const begin = await daemon.next()
    daemon.tell({ say: 'passed', report: await pass(begin, daemon, logger) })
  }
}

/** Opens everything anew: what it is connected with may have changed since the last one. */
async function pass(begin: Begin, daemon: Daemon, logger: Logger): Promise<PassReport> {
  await using keyturn = await openKeyturn({ config: begin.settings, readOnly: false, logger })
  const story = storyOf({ ...keyturn, operator: 'keyturn' })
  const isRead = await readAll(story, begin, daemon)
  // Who was always faster has read the same feed; the daemon compares.
  if (begin.work === 'read') return nothing
  const report = await planMarked(story, begin, daemon)
  return { ...report, again: report.again || !isRead }
}

const nothing: PassReport = { again: false, upTo: null, admitted: 0, withheld: 0, unread: [], silent: [] }

/** The daemon is told before anything is planned: who left is not to wait for that. False where somebody was always faster. */
async function readAll(story: Keyturn, { settings, sources }: Begin, daemon: Daemon): Promise<boolean> {
  const read: Record<string, string> = {}
  let isRead = true
  for (const [source, noticedAt] of Object.entries(sources)) {
    const feed = settings.sources[source]
    if (feed === undefined) continue
    const intake = await readWhole(story, feed, noticedAt, daemon.signal)
    if (intake === null) isRead = false
    const digest = (intake?.accepted ?? intake?.refused)?.digest
    if (digest !== undefined) read[source] = digest
  }
  if (Object.keys(sources).length > 0) daemon.tell({ say: 'read', read })
  return isRead
}

/** Reads one feed as a whole and stores what it means. Null where somebody was always faster. */
async function readWhole(
  keyturn: Keyturn,
  source: SourceSettings,
  receivedAt: Instant,
  signal: AbortSignal,
): Promise<IntakeResult | null> {
  for (let read = 0; read < mostReads; read++) {
    signal.throwIfAborted()
    const intake = { ...(await readSource(keyturn, source, signal)), receivedAt }
    try {
      await keyturn.ledger.saveIntake(intake, keyturn.correlation)
      tellIntake(keyturn, intake)
      return intake
    } catch (error) {
      if (!(error instanceof KeyturnError) || error.code !== 'read-overtaken') throw error
    }
  }
  return null
}

/** Plans whoever is marked, as a whole, and admits what safety lets pass. */
async function planMarked(keyturn: Keyturn, begin: Begin, daemon: Daemon): Promise<PassReport> {
  const { signal } = daemon
  const down = new Set(begin.down)
  const onAdmitted = () => daemon.tell({ say: 'admitted' })
  const marks = await keyturn.ledger.marked(mostMarks)
  const restored = await keyturn.ledger.restored()
  if (marks.length === 0 && restored === null) return nothing
  // A restored ledger waits for a look at everybody, whoever is marked.
  const people = restored === null ? await concerned(keyturn, marks) : null
  const { planned, unread, undecided } =
    people === null ? await everybody(keyturn, { signal, down }) : await some(keyturn, people, { signal, down })
  signal.throwIfAborted()
  const open = new Set(undecided)
  const answered = people?.filter((identity) => !open.has(identity)) ?? null
  const looked: Answered = { upTo: marks.at(-1)?.id ?? 0, people: unread.length > 0 ? [] : answered }
  const admission = await admissionOf(keyturn, planned, marks, looked)
  const { pointers, stale = [] } = await tellingMeanwhile(onAdmitted, () => keyturn.ledger.admit(admission))
  if (pointers.length > 0) onAdmitted()
  if (restored !== null) await tellRestored(keyturn)
  if (undecided.length > 0) await keyturn.ledger.lookAgain(null, 'policy', keyturn.clock(), keyturn.correlation)
  tellPlan(keyturn, 'planned', people?.length ?? 'everybody', planned.plan, { unread })
  const again = unread.length > 0 || stale.length > 0 || undecided.length > 0 || marks.length === mostMarks
  const silent = unread.filter((platform) => !down.has(platform))
  const { length: withheld } = planned.plan.withheld
  return { again, upTo: looked.upTo, admitted: pointers.length, withheld, unread, silent }
}

async function tellRestored({ ledger, logger }: Keyturn): Promise<void> {
  if ((await ledger.restored()) === null) logger.warn('the restored ledger is reconciled; what opens is planned next')
  else
    logger.error('the restored ledger is not reconciled yet: a feed or a platform could not be read; nothing is opened')
}

/** A large plan is admitted in portions, revocations first: what has become work is begun before the last of it has. */
async function tellingMeanwhile<T>(tell: () => void, admit: () => Promise<T>): Promise<T> {
  const timer = setInterval(tell, tellEvery)
  try {
    return await admit()
  } finally {
    clearInterval(timer)
  }
}

/** Null: everybody. */
async function concerned({ ledger }: Keyturn, marks: readonly LookAgain[]): Promise<readonly IdentityId[] | null> {
  const people = new Set<IdentityId>()
  for (const { identity } of marks) {
    if (identity === null) return null
    people.add(identity)
  }
  if (people.size > fewPeople) return null
  // Whom a limit holds together is planned together.
  for (const id of await ledger.heldTogether([...people])) people.add(id)
  return people.size > fewPeople ? null : [...people].toSorted()
}

interface Outcome {
  readonly planned: Planned
  readonly unread: readonly string[]
  readonly undecided: readonly IdentityId[]
}

interface Asking {
  readonly signal: AbortSignal
  readonly down: ReadonlySet<string>
}

async function everybody(keyturn: Keyturn, asking: Asking): Promise<Outcome> {
  const identities = await overlaid(keyturn, await keyturn.ledger.identities())
  const planning = await planPeople(keyturn, identities, { confirmed: false, ...asking })
  for (const { platform, error } of planning.unread) {
    keyturn.logger.warn('a platform could not be read; nothing is planned there', { platform, ...summarise(error) })
  }
  return {
    planned: { ...planning, identities },
    unread: planning.unread.map(({ platform }) => platform),
    undecided: [],
  }
}

async function some(keyturn: Keyturn, people: readonly IdentityId[], asking: Asking): Promise<Outcome> {
  const identities: readonly Identity[] = await overlaid(keyturn, await keyturn.ledger.identitiesById(people))
  const { planned, blind } = await planConcerned(keyturn, identities, asking)
  return { planned, unread: blind, undecided: planned.plan.undecided ?? [] }
}
