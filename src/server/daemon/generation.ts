// Everything that works with one configuration. A reload opens a new generation before it closes the old one, so that
// nobody who leaves meanwhile has to wait; claims keep the two apart.
import type { Lane } from '../../model/change.ts'
import { summarise } from '../../model/errors.ts'
import { MINUTE, SECOND } from '../../model/instant.ts'
import type { ObligationPointer } from '../../model/ledger.ts'
import type { Role, Trouble } from '../../model/running.ts'
import type { Settings } from '../../model/settings.ts'
import { openNotifier } from '../../notify/index.ts'
import type { RedisHandle } from '../../queue/redis.ts'
import { storyOf, withSettings } from '../context.ts'
import type { Foundation, Keyturn } from '../context.ts'
import { openWork } from '../lanes.ts'
import { probe } from '../probe.ts'
import { openSettling } from '../settling.ts'
import type { Settling } from '../settling.ts'
import { superviseChanges } from './changes.ts'
import type { Changes } from './changes.ts'
import { openClockwork } from './clockwork.ts'
import { every } from '../every.ts'
import { openFeeds } from './feeds.ts'
import type { FeedMemories } from './feeds.ts'
import { openLeaverLock } from './leaver-lock.ts'
import { newsOf } from './news.ts'
import { openNotices } from './notices.ts'
import { Passes } from './passes.ts'
import type { PassesOptions } from './passes.ts'
import { Planner } from './planner.ts'
import { keepPlatformStates } from './platforms.ts'
import type { PlatformStates } from './platforms.ts'
import { Rescue } from './rescue.ts'
import { tellSettled } from './stories.ts'
import { Suspects } from './suspects.ts'

/** Often enough that what is remembered of a platform is never too old for a revocation, ms. */
const keepWarm = 5 * MINUTE
/**
 * A platform where nobody joins or leaves is asked after so long whether it is still there: what is down is known within a
 * minute, also where three probes in a row take all the time that they may.
 */
const idle = 25 * SECOND

/** How soon it is seen that another process has written into the ledger, ms. */
const newsEvery = 250

export interface Generation extends AsyncDisposable {
  readonly keyturn: Keyturn
  /** What is remembered of the feeds, for the next generation. */
  memories(): FeedMemories
  /** Why the ledger cannot be written; null: it can, as far as is known. */
  readonly trouble: () => Trouble | null
  /** Reads every feed; with `everybody` (another policy, the start) everybody is planned again. */
  begin(everybody: boolean): Promise<void>
}

export interface Base extends Foundation {
  readonly redis: RedisHandle
  readonly roles: ReadonlySet<Role>
  /** What writing the ledger told this process last. */
  readonly trouble: () => Trouble | null
}

/**
 * Throws KeyturnError where a part cannot be opened; then nothing of it stays open.
 * @param before the generation that this one follows
 */
export async function openGeneration(
  base: Base,
  settings: Settings,
  before?: Pick<Generation, 'memories'>,
): Promise<Generation> {
  await using stack = new AsyncDisposableStack()
  const keyturn = stack.use(withSettings(settings, base))
  const states = stack.use(await keepPlatformStates(keyturn))
  const work = await openWorkers(keyturn, base, states, stack)
  const trouble = () => (work.rescue === null ? base.trouble() : work.rescue.trouble)
  if (base.roles.has('server')) {
    const { secrets, logger, clock } = keyturn
    const notifier = stack.use(openNotifier(settings.notifications, { secrets, logger, clock }))
    stack.use(openNotices(keyturn, { notifier, trouble, spooled: () => work.rescue?.spooled ?? 0 }))
  }
  const intake = base.roles.has('intake')
    ? openIntake(keyturn, { states, work, memories: before?.memories() ?? new Map() }, stack)
    : null
  work.onReopened(() => intake?.look())
  // What is owed already does not wait for the first sweep.
  work.wake()
  const owned = stack.move()
  return {
    keyturn,
    trouble,
    memories: () => intake?.memories() ?? new Map(),
    async begin(everybody) {
      if (intake === null) return
      const { ledger, clock } = keyturn
      intake.readFeeds()
      const mark = () => ledger.lookAgain(null, 'policy', clock(), storyOf(keyturn).correlation)
      try {
        if (everybody) await mark()
      } catch (error) {
        work.rescue?.onceBack(() => void mark().then(() => intake.look(), complain(keyturn, 'nobody could be marked')))
        throw error
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** What intake needs of the workers, also where this process has none. */
interface Workers {
  /** Obligations that are owed from now on. */
  add(pointers: readonly ObligationPointer[]): void
  /** Something was admitted by another process. */
  wake(): void
  readonly rescue: Rescue | null
  /** Connections for what is urgent. */
  readonly connectors: Keyturn['connectors']
  onReopened(listener: () => void): void
}

async function openWorkers(
  keyturn: Keyturn,
  base: Base,
  states: PlatformStates,
  stack: AsyncDisposableStack,
): Promise<Workers> {
  const works = base.roles.has('workers')
  const stop = new AbortController()
  const own: readonly Lane[] = works ? ['revoke'] : []
  const settling = stack.use(openSettling(keyturn, own, stop.signal))
  const rescue = works ? stack.use(await Rescue.open(keyturn, settling, () => base.trouble() !== null)) : null
  const lanes = stack.use(
    await openWork(keyturn, {
      lanes: own,
      redis: base.redis,
      settling: rescue === null ? settling : rescued(keyturn, settling, rescue),
      onSettled: (settled) => tellSettled(keyturn, settled),
      ...(works ? { breaker: { stored: states.stored, onState: states.save, idle } } : {}),
    }),
  )
  stack.use(warmly(() => settling.warm()))
  // First of all: no further write begins.
  stack.defer(() => stop.abort())
  states.onTold((state) => lanes.told(state))
  let reopened: () => void = () => undefined
  const changes: Changes | null = works ? stack.use(superviseChanges(keyturn)) : null
  if (works) {
    const { revoking: connectors } = settling
    stack.use(openLeaverLock(keyturn, { connectors, down: states.down, onReopened: () => reopened() }))
  }
  const revokeDue = () => {
    for (const platform of keyturn.connectors.keys()) lanes.wakeUp(platform, 'revoke')
  }
  if (works) stack.use(onNews(keyturn, revokeDue))
  const wake = () => {
    revokeDue()
    changes?.wake()
  }
  return {
    rescue,
    connectors: works ? settling.revoking : keyturn.connectors,
    wake,
    add(pointers) {
      // What opens or changes something is found in the ledger by the process that works on it.
      void lanes.add(pointers.filter(({ lane }) => lane === 'revoke'))
      if (pointers.some(({ lane }) => lane === 'change')) changes?.wake()
    },
    onReopened(listener) {
      reopened = listener
    },
  }
}

/** More people in one hold than this are left to the full pass: they are planned with everybody else. */
const fewHeld = 200

/** One of each hold that keeps leavers in: whoever is held together is planned together. */
async function markHeld({ ledger, clock, correlation }: Keyturn): Promise<void> {
  const held = (await ledger.openHoldCounts()).filter(({ leavers, people }) => leavers > 0 && people <= fewHeld)
  if (held.length === 0) return
  const some = [...new Set(held.map(({ someone }) => someone))]
  await ledger.lookAgain(some, 'hold', clock(), correlation)
}

/**
 * Platforms that a pass could not read: the next passes do not wait for them before they answer. One that answers a question and
 * cannot be read all the same is tried in growing intervals.
 */
function suspectsOf({ connectors }: Keyturn, onBack: () => void, stack: AsyncDisposableStack): Suspects {
  const stop = new AbortController()
  stack.defer(() => stop.abort())
  return new Suspects((platform) => probe(connectors.get(platform), stop.signal), stop.signal, onBack)
}

/** Revocations, also while the ledger cannot be written. */
function rescued({ logger }: Keyturn, settling: Settling, rescue: Rescue): Settling {
  return {
    ...settling,
    settle(pointers, _lane, onShut) {
      logger.debug('job begun', { identities: pointers.map(({ identity }) => identity) })
      return rescue.settle(pointers, onShut)
    },
  }
}

/** Does it now and again and again: the first leaver after a quiet hour finds everything asked and signed in. */
function warmly(warm: () => Promise<void>): Disposable {
  void warm()
  return every(keepWarm, () => void warm())
}

/** What another process admits, such as a hold that an operator releases, is begun at once and not with the next sweep. */
function onNews({ ledger }: Keyturn, act: () => void): Disposable {
  const isNews = newsOf(ledger, Number.POSITIVE_INFINITY)
  return every(newsEvery, () => {
    if (isNews()) act()
  })
}

/** A promise that nobody waits for would end the daemon. */
function complain({ logger }: Keyturn, message: string): (error: unknown) => void {
  return (error) => logger.error(message, summarise(error))
}

interface Intake {
  memories(): FeedMemories
  /** Looks at who is marked. */
  look(): void
  readFeeds(): void
}

interface IntakeOptions {
  readonly states: PlatformStates
  readonly work: Workers
  readonly memories: FeedMemories
}

function openIntake(keyturn: Keyturn, { states, work, memories }: IntakeOptions, stack: AsyncDisposableStack): Intake {
  const sources = Object.keys(keyturn.settings.sources)
  const onRead: PassesOptions['onRead'] = (read, digests) => {
    feeds.remember(read, digests).catch(complain(keyturn, 'feeds could not be remembered'))
    look()
  }
  const onPassed: PassesOptions['onPassed'] = (report, unread) => {
    if (report?.again === true && report.upTo !== null) planner.leave(report.upTo)
    silent.add(report?.silent ?? [])
    if (report === null) feeds.died(unread).catch(complain(keyturn, 'feeds could not be read without the ledger'))
    look()
  }
  const silent = suspectsOf(keyturn, () => passes.request(), stack)
  const down = () => states.down().union(silent.names)
  const onAdmitted = () => work.wake()
  const told = { down, onRead, onPassed, onAdmitted }
  const reads = stack.use(new Passes(keyturn, { ...told, work: 'read', unread: [] }))
  const passes = stack.use(new Passes(keyturn, { ...told, work: 'plan', unread: sources, reads }))
  work.rescue?.onTaken(() => passes.request(sources))
  // What could not be planned while it was down.
  states.onUp(() => passes.request())
  const planner = stack.use(
    new Planner(
      { ...keyturn, connectors: work.connectors },
      { passes, rescue: work.rescue, down: states.down, onAdmitted: (pointers) => work.add(pointers) },
    ),
  )
  stack.use(warmly(() => planner.warm()))
  const look = () => void planner.look()
  const feeds = stack.use(openFeeds(keyturn, { memories, passes, rescue: work.rescue, onMarked: () => planner.look() }))
  stack.use(
    openClockwork(keyturn, {
      rescue: work.rescue,
      onDue: look,
      onFeed: (source) => feeds.look(source),
      onHeld: () => void markHeld(keyturn).then(look, complain(keyturn, 'people who are held could not be marked')),
      onFullPass: () => {
        keyturn.ledger
          .lookAgain(null, 'policy', keyturn.clock(), storyOf(keyturn).correlation)
          .then(() => passes.request(sources))
          .catch(complain(keyturn, 'a full pass could not be asked for; the next one comes'))
      },
    }),
  )
  return {
    memories: () => feeds.memories(),
    look,
    readFeeds() {
      passes.request(sources)
      // What the generation before this one was about to find is found at once, and not when the pass has read everything.
      for (const source of memories.keys()) feeds.look(source)
    },
  }
}
