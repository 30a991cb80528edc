// Keeps a ledger's witness, and notices that the ledger was restored: when it is opened, and while it is open.
import { randomUUID } from 'node:crypto'
import { KeyturnError, summarise } from '../model/errors.ts'
import type { Clock, Instant } from '../model/instant.ts'
import type { Restored } from '../model/running.ts'
import type { Driver } from './driver.ts'
import { closedError } from './group.ts'
import { beatOnce, markRestored, standing } from './self.ts'
import type { Standing } from './self.ts'
import { isBehind, readWitness, writeWitness } from './witness.ts'
import type { Place, Testimony } from './witness.ts'

/** A driver whose ledger may turn out to be restored without that it could be written down in it. */
export interface Opened {
  readonly driver: Driver
  /** Null where the ledger itself tells. */
  readonly suspected: () => Restored | null
}

export interface Keeping {
  readonly clock: Clock
  /** The ledger was replaced or restored while it is open: nothing that this process remembers of it is right any more. */
  readonly onReplaced: (error: KeyturnError) => void
  /** The witness could not be read or written: nothing else is wrong. */
  readonly onTrouble: (error: unknown) => void
}

const lookEvery = 2_000

/** For who only reads: nothing is written, neither into the ledger nor beside it. */
export async function compare(driver: Driver, place: Place, { clock, onTrouble }: Keeping): Promise<Opened> {
  let suspected: Restored | null = null
  try {
    const witness = await readWitness(place)
    if (isBehind(await driver.read(standing), witness)) suspected = { at: clock(), knownUntil: null }
  } catch (error) {
    onTrouble(error)
  }
  return { driver, suspected: () => suspected }
}

/** For who writes. Never throws: a ledger without a witness is as good, only less watched. */
export async function keepWitness(driver: Driver, place: Place, keeping: Keeping): Promise<Opened> {
  const keeper = new Keeper(driver, place, keeping)
  await keeper.begin()
  return {
    suspected: () => keeper.suspected,
    driver: {
      read: (unit) => driver.read(unit),
      version: () => driver.version(),
      write: (unit) => {
        const objection = keeper.replaced ?? (keeper.isEnding ? closedError() : null)
        if (objection !== null) return Promise.reject(objection)
        keeper.news = true
        return driver.write(unit)
      },
      [Symbol.asyncDispose]: async () => {
        await keeper.end()
        await driver[Symbol.asyncDispose]()
      },
    },
  }
}

class Keeper {
  suspected: Restored | null = null
  /** The file is not the ledger's any more: what would be written there is lost. */
  replaced: KeyturnError | null = null
  /** Something was written since the last beat. */
  news = false
  isEnding = false
  readonly #driver: Driver
  readonly #place: Place
  readonly #keeping: Keeping
  #file: string | null = null
  /** Since when the ledger counted as restored when it was looked at last; undefined: what is found next is no news. */
  #restoredAt: Instant | null | undefined
  /** What it was told last, and not again until it is over. */
  #trouble: string | null = null
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | null = null
  /** The ledger's version before the last look: whoever puts a backup back changes it, or the file. */
  #looked: string | null = null
  /** The ledger's version after the last beat: most writes of a quiet daemon change nothing. */
  #beaten: string | null = null

  constructor(driver: Driver, place: Place, keeping: Keeping) {
    this.#driver = driver
    this.#place = place
    this.#keeping = keeping
  }

  async begin(): Promise<void> {
    await this.#attempt(async () => {
      this.#file = await this.#place.file()
      await this.#look(false)
    })
    this.#timer = setInterval(() => {
      this.#looking ??= this.#attempt(() => this.#again()).finally(() => {
        this.#looking = null
      })
    }, lookEvery).unref()
  }

  async end(): Promise<void> {
    if (this.isEnding) return
    this.isEnding = true
    clearInterval(this.#timer)
    await this.#looking
    // The last connection takes the write-ahead log away.
    await this.#attempt(() => this.#again({ last: true }))
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      this.#trouble = null
    } catch (error) {
      const { message } = summarise(error)
      if (message !== this.#trouble) this.#keeping.onTrouble(error)
      this.#trouble = message
    }
  }

  async #again({ last = false } = {}): Promise<void> {
    if (this.replaced !== null || this.#file === null) return
    if ((await this.#place.file()) !== this.#file) {
      this.replaced = replacedError(this.#place.name)
      this.#keeping.onReplaced(this.replaced)
      // What was written since the last beat is in no file any more: whatever is there now is behind.
      if (this.news) await this.#witnessLoss()
      return
    }
    const version = this.#driver.version()
    if (!last && version === this.#looked) return
    if (await this.#look(last)) this.#keeping.onReplaced(restoredError(this.#place.name))
    this.#looked = version
  }

  /**
   * True where the ledger is behind, or another process found it so since the last look. The witness is read first: the ledger
   * can only have come further since.
   */
  async #look(last: boolean): Promise<boolean> {
    const witness = await readWitness(this.#place)
    const now = await this.#driver.read(standing)
    if (isBehind(now, witness)) {
      await this.#mark(witness)
      this.#restoredAt = undefined
      return true
    }
    const before = this.#restoredAt
    this.#restoredAt = now.restoredAt
    if (before !== undefined && now.restoredAt !== null && now.restoredAt !== before) return true
    await this.#testify(this.#isChanged() ? await this.#beat() : now, witness, last)
    return false
  }

  #isChanged(): boolean {
    return this.news && this.#driver.version() !== this.#beaten
  }

  async #beat(): Promise<Standing> {
    this.news = false
    try {
      const after = await this.#driver.write(() => beatOnce(this.#keeping.clock()))
      this.#beaten = this.#driver.version()
      return after
    } catch (error) {
      this.news = true
      throw error
    }
  }

  async #witnessLoss(): Promise<void> {
    const witness = await readWitness(this.#place)
    if (typeof witness !== 'string') await writeWitness(this.#place, { ...witness, beat: witness.beat + 1 })
  }

  /** Where the ledger cannot be written, this process knows it at least, and tries again. */
  async #mark(witness: Testimony): Promise<void> {
    const seen = typeof witness === 'string' ? { ledger: '', beat: 0 } : witness
    this.suspected ??= { at: this.#keeping.clock(), knownUntil: null }
    const after = await this.#driver.write(() => markRestored(seen, this.#keeping.clock(), randomUUID()))
    this.suspected = null
    await this.#testify(after, witness, false)
  }

  async #testify({ ledger, beat }: Standing, before: Testimony, last: boolean): Promise<void> {
    const file = this.#file ?? ''
    const log = last ? null : await this.#place.log()
    const isSame =
      typeof before !== 'string' &&
      before.ledger === ledger &&
      before.beat >= beat &&
      before.file === file &&
      before.log === log
    if (!isSame) await writeWitness(this.#place, { ledger, beat, file, log })
  }
}

function replacedError(name: string): KeyturnError {
  return new KeyturnError('ledger-unavailable', `The ledger ${name} was replaced by another file while it was open.`, {
    hint: 'What this process would write is lost, so it writes nothing. Started again, it works with the new file.',
  })
}

function restoredError(name: string): KeyturnError {
  return new KeyturnError('ledger-unavailable', `The ledger ${name} was restored from a backup while it was open.`, {
    hint: 'What this process remembers of it is not right any more. Started again, it reconciles first.',
  })
}
