import { rename, writeFile } from 'node:fs/promises'
import type { Company } from './keyturn.ts'

export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

/** The clock of every process of a company: the machine's, moved. Made before the first of them starts. */
export class MovedClock {
  readonly #file: string
  #offset = 0

  private constructor(file: string) {
    this.#file = file
  }

  static async of(company: Company): Promise<MovedClock> {
    const clock = new MovedClock(company.path('clock-offset'))
    company.environment['KEYTURN_CLOCK_OFFSET'] = clock.#file
    await clock.#write()
    return clock
  }

  now(): number {
    return Date.now() + this.#offset
  }

  /** Ahead, or back where it is negative; ms. */
  async move(by: number): Promise<void> {
    this.#offset += by
    await this.#write()
  }

  /** From now on it goes on from this instant. */
  async set(instant: number): Promise<void> {
    this.#offset = instant - Date.now()
    await this.#write()
  }

  /** By rename: nobody may see half a number, or none. */
  async #write(): Promise<void> {
    await writeFile(`${this.#file}.new`, String(this.#offset))
    await rename(`${this.#file}.new`, this.#file)
  }
}
