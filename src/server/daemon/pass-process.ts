// The process that passes run in, one after the other. It stays for a while after each, since one pass often leads to the next and
// most of a short one is the start of its process. It does not stay for ever: after a large plan it holds much memory.
import { SECOND } from '../../model/instant.ts'
import type { Begin, Child, FromPass, PassReport } from './children.ts'

/** For how long it waits for the next pass, ms. */
const staysFor = 5 * SECOND
const stopPatience = 5 * SECOND

/** What became of a pass; or how its process ended before that: an exit code, or the name of a signal. */
type Outcome = { readonly report: PassReport } | { readonly end: number | string }

/** What a pass says before it is over. */
export type Meanwhile = Exclude<FromPass, { readonly say: 'passed' }>

interface Running {
  readonly child: Child
  readonly isOver: (outcome: Outcome) => void
}

export class PassProcess implements AsyncDisposable {
  readonly #start: (hear: (message: FromPass) => void) => Child
  readonly #onTold: (message: Meanwhile) => void
  #child: Child | null = null
  #pass: Running | null = null
  #timer: NodeJS.Timeout | undefined
  #stopping: Promise<void> | undefined

  /**
   * @param start begins the process
   * @param onTold hears what it says before the pass is over
   */
  constructor(start: (hear: (message: FromPass) => void) => Child, onTold: (message: Meanwhile) => void) {
    this.#start = start
    this.#onTold = onTold
  }

  /** One at a time. */
  async run(what: Omit<Begin, 'say'>): Promise<Outcome> {
    clearTimeout(this.#timer)
    const child = (this.#child ??= this.#begin())
    const outcome = await new Promise<Outcome>((isOver) => {
      this.#pass = { child, isOver }
      child.tell({ say: 'begin', ...what })
    })
    this.#pass = null
    if ('report' in outcome) this.#timer = setTimeout(() => void this[Symbol.asyncDispose](), staysFor).unref()
    return outcome
  }

  #begin(): Child {
    const child = this.#start((message) => {
      if (message.say === 'passed') this.#over(child, { report: message.report })
      else if (this.#pass?.child === child) this.#onTold(message)
    })
    void child.ended.then((end) => {
      if (this.#child === child) this.#child = null
      this.#over(child, { end })
    })
    return child
  }

  /** Of a process that is being stopped nothing is heard any more that concerns another. */
  #over(child: Child, outcome: Outcome): void {
    if (this.#pass?.child === child) this.#pass.isOver(outcome)
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
