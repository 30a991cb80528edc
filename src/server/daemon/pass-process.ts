// The process that passes run in, one after the other. It stays for a while after each, since one pass often leads to the next and
// most of a short one is the start of its process. It does not stay for ever: after a large plan it holds much memory.
import { SECOND } from '../../model/instant.ts'
import type { Begin, Child, FromPass, PassReport } from './children.ts'

/** For how long it waits for the next pass, ms. */
const staysFor = 5 * SECOND
const stopPatience = 5 * SECOND

export class PassProcess implements AsyncDisposable {
  readonly #start: (hear: (message: FromPass) => void) => Child
  readonly #onAdmitted: () => void
  #child: Child | null = null
  #onReport: (report: PassReport) => void = () => undefined
  #timer: NodeJS.Timeout | undefined
  #stopping: Promise<void> | undefined

  /** @param start begins the process */
  constructor(start: (hear: (message: FromPass) => void) => Child, onAdmitted: () => void) {
    this.#start = start
    this.#onAdmitted = onAdmitted
  }

  /** One at a time. Returns how the process ended where it did before the pass was over: an exit code, or the name of a signal. */
  async run(what: Omit<Begin, 'say'>): Promise<{ readonly report: PassReport } | { readonly end: number | string }> {
    clearTimeout(this.#timer)
    const child = (this.#child ??= this.#begin())
    const { promise, resolve } = Promise.withResolvers<PassReport>()
    this.#onReport = resolve
    child.tell({ say: 'begin', ...what })
    const outcome = await Promise.race([promise, child.ended])
    if (typeof outcome !== 'object') return { end: outcome }
    this.#timer = setTimeout(() => void this[Symbol.asyncDispose](), staysFor).unref()
    return { report: outcome }
  }

  #begin(): Child {
    const child = this.#start((message) => {
      if (message.say === 'admitted') this.#onAdmitted()
      else this.#onReport(message.report)
    })
    void child.ended.then(() => {
      if (this.#child === child) this.#child = null
    })
    return child
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer)
    const child = this.#child
    this.#child = null
    // Also one that is being stopped because nobody needed it.
    await this.#stopping
    this.#stopping = child?.stop(stopPatience)
    await this.#stopping
  }
}
