// What the clock alone makes due: dates of people, and schedules. Found by a scan of the ledger, so that it survives any
// restart; what became due while nobody was there fires at the start, once.
import cron from 'node-cron'
import type { TaskOptions } from 'node-cron'
import { advance } from '../../intake/index.ts'
import { summarise } from '../../model/errors.ts'
import type { Identity } from '../../model/identity.ts'
import { MINUTE, SECOND } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { Logger } from '../../model/ports.ts'
import { storyOf } from '../context.ts'
import type { Keyturn } from '../context.ts'
import type { Rescue } from './rescue.ts'
import { tellIntake } from './stories.ts'

export interface Clockwork extends AsyncDisposable {
  /** Looks at once what is due. */
  look(): Promise<void>
}

export interface ClockworkOptions {
  /** Shuts people while the ledger cannot be written; null where this process has no workers. */
  readonly rescue: Pick<Rescue, 'inTime' | 'revoke'> | null
  /** People were marked. */
  readonly onDue: () => void
  /** It is time to look at this feed, changed or not. */
  readonly onFeed: (source: string) => void
  /** It is time to look at those whom a hold keeps from being shut. */
  readonly onHeld: () => void
  /** It is time to look at everybody. */
  readonly onFullPass: () => void
}

/** People in one transaction: a few ten milliseconds of work. */
const portion = 500
/** A limit may hold them no longer: others have joined, or what it counted is too long ago. */
const heldEvery = 5 * MINUTE
/** Each second: the finest grain of any schedule. */
const everySecond = '* * * * * *'

export function openClockwork(keyturn: Keyturn, options: ClockworkOptions): Clockwork {
  const { settings, clock, ledger, logger } = keyturn
  const schedules = [
    { name: 'full pass', every: settings.daemon.fullPass, fire: () => options.onFullPass() },
    { name: 'held people', every: heldEvery, fire: () => options.onHeld() },
    ...Object.values(settings.sources).map(({ id, every }) => ({
      name: `feed ${id}`,
      every,
      fire: () => options.onFeed(id),
    })),
  ]
  const longest = longestWait(settings)
  const isClockToCompare = comparing()
  const isToScan = scanning(ledger)
  const { followed, lost } = tellingOnce(logger)
  const fired = new Map<string, number>()
  let looking: Promise<void> | null = null

  async function tick(): Promise<void> {
    const now = clock()
    if (isClockToCompare(now) && (await ledger.clockSetBack(now, longest)))
      logger.warn('the clock was set back: whatever waited for a moment is due now')
    for (const { name, every, fire } of schedules) {
      const slot = Math.floor(now / every) * every
      if (fired.get(name) === slot) continue
      // A row in the ledger: of several daemons one fires (law 4).
      if (await ledger.tick(name, slot, now)) fire()
      fired.set(name, slot)
    }
  }

  /** People first: where the ledger cannot be written, whoever must be shut is shut without it. */
  async function lookOnce(): Promise<void> {
    if (await isToScan(clock())) {
      if (await markDue(storyOf(keyturn), options.rescue)) options.onDue()
    }
    await tick()
  }

  function look(): Promise<void> {
    looking ??= lookOnce()
      .then(followed, lost)
      .finally(() => {
        looking = null
      })
    return looking
  }

  // The tick of this moment belongs to whoever ran before; what is due is found by the scan.
  const task = cron.schedule(everySecond, () => look(), { noOverlap: true, logger: cronLog(logger) })
  return {
    look,
    async [Symbol.asyncDispose]() {
      await task.destroy()
      await looking
    },
  }
}

/** That the clock cannot be followed is told when it begins and when it is over: a full disk lasts for hours. */
function tellingOnce(logger: Logger) {
  let isFollowed = true
  return {
    lost: (error: unknown) => {
      if (isFollowed) logger.error('the clock could not be followed; it is tried every second', summarise(error))
      isFollowed = false
    },
    followed: () => {
      if (!isFollowed) logger.info('the clock is followed again')
      isFollowed = true
    },
  }
}

/** A tick that was missed, or that met one still running, is no trouble: the next look finds what is due. */
function cronLog(logger: Logger): NonNullable<TaskOptions['logger']> {
  const mention = (text: unknown) => logger.debug('node-cron', { text: String(text) })
  const complain = (error: unknown) => logger.error('a tick of the schedule failed', summarise(error))
  return { debug: mention, info: mention, warn: mention, error: complain }
}

/**
 * Whether the clock is to be held against the ledger: at first, after each minute, and where it went on by less than the time
 * that passed.
 */
function comparing(): (now: Instant) => boolean {
  let last = { at: Number.POSITIVE_INFINITY, after: 0 }
  let comparedAfter = Number.NEGATIVE_INFINITY
  return (now) => {
    const after = performance.now()
    const isBack = now - last.at < after - last.after - SECOND / 2
    last = { at: now, after }
    if (!isBack && after - comparedAfter < MINUTE) return false
    comparedAfter = after
    return true
  }
}

/** Whether anybody may be due: what was found last says when the next one is, until the ledger changes. */
function scanning({ version, nextClockDue }: Pick<Keyturn['ledger'], 'version' | 'nextClockDue'>) {
  let known: { readonly version: string; readonly next: Instant } | null = null
  return async (now: Instant): Promise<boolean> => {
    const present = version()
    if (known?.version === present && now < known.next) return false
    const next = (await nextClockDue()) ?? Number.POSITIVE_INFINITY
    known = { version: present, next }
    return next <= now
  }
}

/** Longer than this nobody waits for the next try, ms: one more minute for what is on its way, and for machines that differ. */
function longestWait({ platforms }: Keyturn['settings']): number {
  return (
    Math.max(...Object.values(platforms).flatMap(({ retry }) => [retry.revoke.most, retry.change.most]), 0) + MINUTE
  )
}

/** Lets the clock go on for everybody who is due and marks them; true where there was somebody. */
async function markDue(keyturn: Keyturn, rescue: ClockworkOptions['rescue']): Promise<boolean> {
  const { ledger, clock, correlation } = keyturn
  for (let found = false; ; found = true) {
    const due = await ledger.clockDue(clock(), portion)
    if (due.length === 0) return found
    const people = await ledger.identitiesById(due)
    const changed = new Set<string>()
    for (const [source, some] of Map.groupBy(people, (one) => one.source)) {
      const gone = await goOn(keyturn, source, some, rescue)
      // They are due as soon as the ledger can be written again.
      if (gone === 'unwritable') return found
      for (const id of gone) changed.add(id)
    }
    // A clean-up or a lingering role changes nobody's state: they are looked at all the same.
    const others = due.filter((id) => !changed.has(id))
    if (others.length > 0) await ledger.lookAgain(others, 'clock', clock(), correlation)
  }
}

async function goOn(
  keyturn: Keyturn,
  source: string,
  people: readonly Identity[],
  rescue: ClockworkOptions['rescue'],
): Promise<readonly string[] | 'unwritable'> {
  const settings = keyturn.settings.sources[source]
  if (settings === undefined) return []
  const now = keyturn.clock()
  const intake = advance(settings, people, now, now)
  if (intake.changed.length === 0) return []
  const saving = keyturn.ledger.saveIntake(intake, keyturn.correlation)
  const end = await (rescue === null ? saving : rescue.inTime(saving))
  if (end === 'unwritable') {
    await rescue?.revoke(intake.changed, intake.events)
    return end
  }
  tellIntake(keyturn, intake)
  return intake.changed.map(({ id }) => id)
}
