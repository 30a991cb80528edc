import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lane } from '../../../src/model/change.ts'
import type { ObligationPointer } from '../../../src/model/ledger.ts'
import type { Logger } from '../../../src/model/ports.ts'

export interface Folder extends AsyncDisposable {
  readonly path: string
}

export async function temporaryFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'keyturn-queue-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export interface Notes extends Logger {
  readonly lines: string[]
}

export function notes(): Notes {
  const lines: string[] = []
  const say = (level: string) => (message: string, fields?: object) => {
    lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`)
  }
  return {
    lines,
    debug: say('debug'),
    info: say('info'),
    change: say('change'),
    warn: say('warn'),
    error: say('error'),
  }
}

/** Waits until it is so. Fails after the time with what it waited for. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
  for (const deadline = Date.now() + ms; !(await isSo()); await sleep(5)) {
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms in vain until ${what}`)
  }
}

export function pointers(platform: string, lane: Lane, count: number): readonly ObligationPointer[] {
  return Array.from({ length: count }, (_, index) => ({ identity: `hr:${index}`, platform, lane }))
}

/** Remembers what is owed, as the ledger does: the least that the lanes ask of it. */
export class Book {
  private readonly open: ObligationPointer[]
  readonly done: string[] = []
  private readonly claimed = new Set<string>()

  constructor(owed: readonly ObligationPointer[]) {
    this.open = [...owed]
  }

  get owed(): number {
    return this.open.length
  }

  /** Claims, works and settles; what somebody else has claimed or settled is left out. */
  async settle(some: readonly ObligationPointer[], work: () => Promise<void> = async () => undefined): Promise<void> {
    const mine = some.map(keyOf).filter((key) => !this.claimed.has(key) && this.open.some((one) => keyOf(one) === key))
    for (const key of mine) this.claimed.add(key)
    await work()
    for (const key of mine) {
      this.claimed.delete(key)
      this.done.push(key)
      this.open.splice(
        this.open.findIndex((one) => keyOf(one) === key),
        1,
      )
    }
  }

  due(platform: string, lane: Lane, _now: number, most: number): Promise<readonly ObligationPointer[]> {
    const mine = this.open.filter((one) => one.platform === platform && one.lane === lane)
    return Promise.resolve(mine.filter((one) => !this.claimed.has(keyOf(one))).slice(0, most))
  }
}

function keyOf({ platform, identity }: ObligationPointer): string {
  return `${platform} ${identity}`
}
