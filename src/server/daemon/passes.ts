import { summarise } from '../../model/errors.ts'
import { MINUTE, SECOND } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { Keyturn } from '../context.ts'
import { restartPause, standBack, startChild } from './children.ts'
import type { Child, FromPass, PassReport } from './children.ts'
import { PassProcess } from './pass-process.ts'
import type { Meanwhile } from './pass-process.ts'

export interface PassesOptions {
  /** Whether marked people are planned after the reading. */
  readonly work: 'plan' | 'read'
  /** Reads the feeds that change while a pass is under way: a leaver waits for no plan (law 3). */
  readonly reads?: Pick<Passes, 'request'>
  /** Platforms that are known not to answer. */
  readonly down: () => ReadonlySet<string>
  /** These feeds are read; the digest of what was read of each. */
  readonly onRead: (sources: readonly string[], read: Readonly<Record<string, string>>) => void
  /** Nobody has read these yet: the first pass does, whoever asks for it. What the ledger says of their people may be old. */
  readonly unread: readonly string[]
  /** Something was admitted: the lanes may look. */
  readonly onAdmitted: () => void
  /** A pass has ended; null when its process died. `sources`: feeds that it has not read. */
  readonly onPassed: (report: PassReport | null, sources: readonly string[]) => void
}

/** Between passes that could not see everything, ms: doubles up to the longest. */
const again = { first: SECOND, longest: MINUTE, down: 5 * MINUTE }

/** Reads and plans that are too heavy for the daemon's own event loop, one after the other in a process of their own. */
export class Passes implements AsyncDisposable {
  readonly #keyturn: Pick<Keyturn, 'settings' | 'logger' | 'clock'>
  readonly #process: PassProcess
  readonly #options: PassesOptions
  /** Feeds to be read as a whole, and since when that is known. */
  readonly #sources = new Map<string, Instant>()
  /** Those that the pass under way has not read yet. */
  #reading: Readonly<Record<string, Instant>> = {}
  /** A mark that somebody is waiting for; marks are numbered. */
  #mark = 0
  #isWanted = false
  #loop: Promise<void> | null = null
  #closed = false
  #unfinished = 0
  /** One after the other, each of a process that died. */
  #crashes = 0
  /** The last mark that a pass has looked at. */
  #upTo = 0
  /** After a process that died: whoever asks is heard, and waits for the next try. */
  #rests = false
  #timer: NodeJS.Timeout | undefined

  /** @param start begins the process for passes */
  constructor(
    keyturn: Pick<Keyturn, 'settings' | 'logger' | 'clock'>,
    options: PassesOptions,
    start: (hear: (message: FromPass) => void) => Child = (hear) => {
      const child = startChild('pass', keyturn.logger, hear)
      // A feed that is read may say that somebody left; that stands back for nobody.
      if (options.work === 'plan') standBack(child)
      return child
    },
  ) {
    this.#process = new PassProcess(start, (message) => this.#hear(message))
    this.#keyturn = keyturn
    this.#options = options
    for (const source of options.unread) this.#sources.set(source, keyturn.clock())
  }

  /** Asks for a pass that looks at this mark: one that runs and has not taken its marks yet may be it. */
  look(mark: number): void {
    this.#mark = Math.max(this.#mark, mark)
    this.#begin()
  }

  /** A feed has changed: who left is not known before it is read, and that does not wait for a pass under way. */
  read(source: string, noticedAt: Instant): void {
    const { reads } = this.#options
    if (this.#loop !== null && reads !== undefined) reads.request([source], noticedAt)
    else this.request([source], noticedAt)
  }

  /** Asks for a pass; whoever asks while one runs gets another one after it. `sources` are read as a whole. */
  request(sources: readonly string[] = [], noticedAt: Instant = this.#keyturn.clock()): void {
    for (const source of sources) this.#sources.set(source, this.#sources.get(source) ?? noticedAt)
    this.#isWanted = true
    this.#begin()
  }

  #begin(): void {
    if (this.#closed || this.#rests) return
    this.#loop ??= this.#run().finally(() => {
      this.#loop = null
      // Somebody may have asked while the last one came to its end.
      if (this.#isAsked()) this.#begin()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#process[Symbol.asyncDispose]()
    await this.#loop
  }

  /** A pass runs, or waits for its next try: then nobody needs to ask again. */
  get isUnderWay(): boolean {
    return this.#loop !== null || this.#unfinished > 0
  }

  #isAsked(): boolean {
    return this.#isWanted || this.#mark > 0
  }

  async #run(): Promise<void> {
    while (this.#isAsked() && !this.#closed && !this.#rests) {
      this.#reading = Object.fromEntries(this.#sources)
      this.#sources.clear()
      this.#isWanted = false
      const report = await this.#one(this.#reading)
      if (this.#closed) return
      // More marks than one pass takes, none of which can be answered: they wait for the next try as well.
      if (report !== null && (report.upTo === null || report.upTo >= this.#mark || report.upTo <= this.#upTo)) {
        this.#mark = 0
      }
      this.#upTo = report?.upTo ?? this.#upTo
      this.#rests = report === null
      this.#crashes = report === null ? this.#crashes + 1 : 0
      const unread = this.#reading
      this.#reading = {}
      this.#options.onPassed(report, Object.keys(unread))
      this.#unfinished = report === null || report.again ? this.#unfinished + 1 : 0
      if (this.#unfinished > 0) this.#later(report === null ? unread : {}, this.#pause(report))
    }
  }

  #hear(message: Meanwhile): void {
    if (message.say === 'admitted') {
      this.#options.onAdmitted()
      return
    }
    const sources = Object.keys(this.#reading)
    this.#reading = {}
    this.#options.onRead(sources, message.read)
  }

  /** One pass. Null when its process died. */
  async #one(sources: Readonly<Record<string, Instant>>): Promise<PassReport | null> {
    const { settings, logger } = this.#keyturn
    try {
      logger.debug('a pass is begun', { sources: Object.keys(sources) })
      const { work, down } = this.#options
      const outcome = await this.#process.run({ work, settings, sources, down: [...down()] })
      if ('report' in outcome) {
        logger.debug('a pass is over')
        return outcome.report
      }
      if (!this.#closed) logger.error('a pass ended early; it is begun again', { end: outcome.end })
    } catch (error) {
      logger.error('a pass could not be begun', summarise(error))
    }
    return null
  }

  #later(sources: Readonly<Record<string, Instant>>, ms: number): void {
    for (const [source, noticedAt] of Object.entries(sources)) this.#sources.set(source, noticedAt)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#rests = false
      this.request()
    }, ms)
  }

  #pause(report: PassReport | null): number {
    if (report === null) return restartPause(this.#crashes)
    // A platform that is down tells when it is back; this is for those that nobody works with meanwhile.
    const longest = report.unread.length > 0 ? again.down : again.longest
    return Math.min(again.first * 2 ** Math.min(this.#unfinished - 1, 10), longest)
  }
}
