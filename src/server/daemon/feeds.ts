// Watches the feeds. A few different rows are understood here, in milliseconds; everything else is read as a whole by a pass.
import { lightIntake } from '../../intake/index.ts'
import { KeyturnError, summarise } from '../../model/errors.ts'
import type { IntakeResult } from '../../model/identity.ts'
import { MINUTE, SECOND } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { Arrival } from '../../model/ports.ts'
import type { SourceSettings } from '../../model/settings.ts'
import { look, remember, watchFiles } from '../../sources/index.ts'
import type { FeedMemory, Look } from '../../sources/index.ts'
import { storyOf } from '../context.ts'
import type { Keyturn } from '../context.ts'
import { readSource } from '../people.ts'
import type { Passes } from './passes.ts'
import { isUnwritable } from './rescue.ts'
import type { Rescue } from './rescue.ts'
import { tellIntake } from './stories.ts'

export interface Feeds extends AsyncDisposable {
  /** What is remembered of each feed. */
  memories(): FeedMemories
  /** Looks at one feed by schedule: lost file events are caught here. */
  look(source: string): void
  /**
   * These feeds were read as a whole: remembers them as they are now, so that the next look is a light one. `read`: the
   * digest of what was read of each.
   */
  remember(sources: readonly string[], read: Readonly<Record<string, string>>): Promise<void>
  /** The pass that was to read these feeds died: where the ledger cannot be written, they are read for those who left. */
  died(sources: readonly string[]): Promise<void>
}

export type FeedMemories = ReadonlyMap<string, FeedMemory>

export interface FeedOptions {
  /** Of the configuration before this one: until a pass has read the feeds anew, who leaves is found without it. */
  readonly memories: FeedMemories
  readonly passes: Passes
  readonly rescue: Rescue | null
  /** People were marked. */
  readonly onMarked: () => Promise<void>
}

/** While the ledger cannot be written, a feed is looked at again after this time, ms. */
const again = SECOND
/** A feed that has become too old is told by a whole read, so often. */
const tellAge = 10 * MINUTE
/** An unchanged feed is written down as accepted so often. */
const confirmEvery = 10 * MINUTE

export function openFeeds(keyturn: Keyturn, options: FeedOptions): Feeds {
  const stop = new AbortController()
  const feeds = new Map(
    Object.values(keyturn.settings.sources).map((settings) => [
      settings.id,
      new WatchedFeed(keyturn, settings, options, stop.signal),
    ]),
  )
  const byPath = Map.groupBy(feeds.values(), ({ path }) => path)
  const watched = Object.values(keyturn.settings.sources).map(({ path, settle }) => ({ path, settle }))
  const watcher = watchFiles(watched, {
    logger: keyturn.logger,
    clock: keyturn.clock,
    onChange: (path, how, noticedAt) => {
      for (const feed of byPath.get(path) ?? []) feed.look(noticedAt, how)
    },
  })
  return {
    memories: () => new Map([...feeds].flatMap(([id, { memory }]) => (memory === null ? [] : [[id, memory] as const]))),
    look: (source) => feeds.get(source)?.look(keyturn.clock()),
    async remember(sources, read) {
      await Promise.all(sources.map(async (source) => feeds.get(source)?.remember(read[source])))
    },
    async died(sources) {
      const { rescue } = options
      if (sources.length === 0 || rescue === null || (await rescue.isWritable())) return
      for (const source of sources) feeds.get(source)?.look(keyturn.clock())
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await watcher[Symbol.asyncDispose]()
      await Promise.all([...feeds.values()].map((feed) => feed.idle()))
    },
  }
}

interface Occasion {
  readonly noticedAt: Instant
  readonly arrival?: Arrival
}

class WatchedFeed {
  readonly path: string
  readonly #keyturn: Keyturn
  readonly #settings: SourceSettings
  readonly #options: FeedOptions
  readonly #signal: AbortSignal
  readonly #light: ReturnType<typeof lightIntake>
  /** What the feed was like when the ledger accepted it; null: only a whole read can tell. */
  #memory: FeedMemory | null = null
  /** What it was like when it was taken for another one than a pass had read, which could not tell what it had read. */
  #looked: string | null = null
  #occasion: Occasion | null = null
  #looking: Promise<void> | null = null
  #again: NodeJS.Timeout | null = null
  /** What went wrong at the last look: it is told once, however often it is tried again. */
  #trouble: string | null = null
  #toldAge = Number.NEGATIVE_INFINITY

  constructor(keyturn: Keyturn, settings: SourceSettings, options: FeedOptions, signal: AbortSignal) {
    this.path = settings.path
    this.#keyturn = keyturn
    this.#settings = settings
    this.#options = options
    this.#signal = signal
    this.#light = lightIntake(settings)
    this.#memory = options.memories.get(settings.id) ?? null
  }

  get memory(): FeedMemory | null {
    return this.#memory
  }

  /** Never two looks at once: what happens during one is one more look after it. */
  look(noticedAt: Instant, arrival?: Arrival): void {
    this.#occasion ??= { noticedAt, ...(arrival === undefined ? {} : { arrival }) }
    this.#begin()
  }

  #begin(): void {
    this.#looking ??= this.#run().finally(() => {
      this.#looking = null
      // Something may have happened while the last look came to its end.
      if (this.#occasion !== null && !this.#signal.aborted) this.#begin()
    })
  }

  /** @param read the digest of what a pass has read */
  async remember(read?: string): Promise<void> {
    if (this.#signal.aborted) return
    const accepted = await this.#keyturn.ledger.acceptedRead(this.#settings.id)
    if (accepted?.digest === undefined || this.#memory?.digest === accepted.digest) return
    const memory = await remember(this.#settings, this.#signal)
    if (memory === null) return
    if (memory.digest === accepted.digest) {
      this.#memory = memory
      this.#keyturn.logger.debug('feed remembered', { source: this.#settings.id, rows: memory.rows })
    }
    // It is another one already than the one that was read. One that was refused is not read again before it changes.
    else if (memory.digest !== (read ?? this.#looked)) {
      this.#looked = memory.digest
      this.look(this.#keyturn.clock())
    }
  }

  async idle(): Promise<void> {
    await this.#looking
  }

  async #run(): Promise<void> {
    for (let occasion = this.#occasion; occasion !== null; occasion = this.#occasion) {
      this.#occasion = null
      if (this.#signal.aborted) return
      await this.#once(occasion).then(
        () => {
          this.#trouble = null
        },
        (error: unknown) => this.#complain(error, occasion),
      )
    }
  }

  /** A ledger that cannot be reached is asked again soon: the feed may say that somebody left, and its file does not change again. */
  #complain(error: unknown, { noticedAt }: Occasion): void {
    if (this.#signal.aborted) return
    const { message } = summarise(error)
    if (message !== this.#trouble) this.#keyturn.logger.error('a feed could not be looked at', this.#about(error))
    this.#trouble = message
    if (isUnwritable(error)) this.#lookSoon(noticedAt)
  }

  async #once(occasion: Occasion): Promise<void> {
    const memory = this.#memory
    const found = memory === null ? null : await look(this.#settings, memory, this.#signal, occasion.arrival)
    // Cut off by a reload or a stop: whoever comes next looks.
    if (this.#signal.aborted) return
    if (found?.kind === 'same') {
      this.#memory = found.memory
      this.#tellIfOld(found.memory.modifiedAt)
      await this.#confirm(found.memory)
      return
    }
    this.#keyturn.logger.debug('feed read', { source: this.#settings.id, noticedAt: occasion.noticedAt })
    const intake = found?.kind === 'changed' && memory !== null ? await this.#understand(found, memory, occasion) : null
    if (found?.kind === 'changed' && intake !== null) await this.#accept(intake, found.memory, occasion)
    else await this.#leaveToPass(found?.kind === 'whole' ? found.why : 'more than a few known people', occasion)
  }

  async #understand(
    { before, after, memory, modifiedAt, rows }: Extract<Look, { kind: 'changed' }>,
    known: FeedMemory,
    { noticedAt }: Occasion,
  ): Promise<IntakeResult | null> {
    const { ledger, clock } = this.#keyturn
    const ids = after.flatMap(({ key }) => (key === null ? [] : [`${this.#settings.id}:${key}`]))
    const [previous, lastRead] = await Promise.all([ledger.identitiesById(ids), ledger.acceptedRead(this.#settings.id)])
    const { digest } = memory
    const read = { before, after, base: known.digest, digest, modifiedAt, rows }
    return this.#light({ ...read, previous, lastRead, now: clock(), receivedAt: noticedAt })
  }

  async #accept(intake: IntakeResult, memory: FeedMemory, occasion: Occasion): Promise<void> {
    const story = storyOf(this.#keyturn)
    const saving = story.ledger.saveIntake(intake, story.correlation)
    try {
      const { rescue } = this.#options
      if ((await (rescue === null ? saving : rescue.inTime(saving))) === 'unwritable') {
        await this.#shutWithoutLedger(intake, occasion)
        return
      }
    } catch (error) {
      if (!(error instanceof KeyturnError) || error.code !== 'read-overtaken') throw error
      await this.#lookAnew(occasion)
      return
    }
    this.#memory = memory
    story.logger.debug('feed saved', { source: this.#settings.id, correlation: story.correlation })
    if (intake.changed.length > 0) await this.#options.onMarked()
    tellIntake(story, intake)
  }

  /** Another process was faster. */
  async #lookAnew({ noticedAt }: Occasion): Promise<void> {
    this.#memory = null
    await this.remember()
    if (this.#memory === null) this.#options.passes.read(this.#settings.id, noticedAt)
    else this.#occasion ??= { noticedAt }
  }

  /** The ledger cannot be written: who left is shut all the same, and the feed is looked at again until it can. */
  async #shutWithoutLedger(intake: IntakeResult, { noticedAt }: Occasion): Promise<void> {
    await this.#options.rescue?.revoke(intake.changed, intake.events)
    this.#lookSoon(noticedAt)
  }

  #lookSoon(noticedAt: Instant): void {
    // One for all that happened since the first.
    if (this.#again !== null) return
    this.#again = setTimeout(() => {
      this.#again = null
      if (!this.#signal.aborted) this.look(noticedAt)
    }, again)
  }

  /** A pass needs the ledger: where it cannot be written, the feed is read here, for those who left. */
  async #leaveToPass(why: string, occasion: Occasion): Promise<void> {
    this.#keyturn.logger.debug('a feed is read as a whole', { source: this.#settings.id, why })
    const { rescue, passes } = this.#options
    if (rescue === null || (await rescue.isWritable())) {
      passes.read(this.#settings.id, occasion.noticedAt)
      return
    }
    await this.#shutWithoutLedger(await readSource(this.#keyturn, this.#settings, this.#signal), occasion)
  }

  /**
   * Nothing is different: that is an accepted read as well, and is written down now and then; at once where another one was refused
   * meanwhile, and the feed was put back as it was.
   */
  async #confirm({ modifiedAt, digest }: FeedMemory): Promise<void> {
    const { ledger, clock } = this.#keyturn
    const now = clock()
    const [last, refused] = await Promise.all([
      ledger.acceptedRead(this.#settings.id),
      ledger.lastRefusal(this.#settings.id),
    ])
    if (last === null || last.digest !== digest || this.#isTooOld(modifiedAt)) return
    const isRefused = refused !== null && refused.at > last.at
    if (!isRefused && now - last.at < confirmEvery) return
    const base = last.number ?? 0
    const accepted = { ...last, at: now, modifiedAt, number: base + 1 }
    const nothing = { identities: [], changed: [], events: [], problems: [] }
    const story = storyOf(this.#keyturn)
    await ledger.saveIntake({ source: this.#settings.id, base, accepted, refused: null, ...nothing }, story.correlation)
  }

  /** A feed that nobody writes any more is refused by its contract: a whole read says so. */
  #tellIfOld(modifiedAt: Instant): void {
    if (!this.#isTooOld(modifiedAt) || performance.now() - this.#toldAge < tellAge) return
    this.#toldAge = performance.now()
    this.#options.passes.request([this.#settings.id])
  }

  #isTooOld(modifiedAt: Instant): boolean {
    const { maxAge } = this.#settings.contract
    return maxAge !== undefined && this.#keyturn.clock() - modifiedAt > maxAge
  }

  #about(error: unknown): object {
    return { source: this.#settings.id, ...summarise(error) }
  }
}
