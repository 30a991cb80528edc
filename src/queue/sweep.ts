import type { Lane } from '../model/change.ts'
import { summarise } from '../model/errors.ts'
import type { IdentityId } from '../model/identity.ts'
import { SECOND } from '../model/instant.ts'
import type { ObligationPointer } from '../model/ledger.ts'
import type { Logger } from '../model/ports.ts'
import type { Health } from './health.ts'
import type { Jobs } from './jobs.ts'

export interface SweepOptions {
  readonly lane: Lane
  readonly concurrency: number
  /** How many people one job is for, when so many are added at once. */
  chunkOf(backlog: number): number
  readonly jobs: Pick<Jobs, 'waiting'>
  readonly health: Pick<Health, 'isDown'>
  due(most: number): Promise<readonly ObligationPointer[]>
  add(identities: readonly IdentityId[]): Promise<void>
  /** Works on these without Redis. */
  direct(identities: readonly IdentityId[]): void
}

/** Queries of an index: cheap enough for every lane, every second. */
const usual = SECOND
const withoutRedis = SECOND / 4
/** There was more than one sweep takes. */
const soon = SECOND / 10
const atMost = 5_000

/**
 * Brings back what is owed: retries whose time has come, and whatever Redis or a killed worker lost. Revocation never waits
 * (law 3): without Redis it is worked on straight from the ledger. Changes can wait. Returns when to sweep again, ms.
 */
export async function sweepLane(options: SweepOptions): Promise<number> {
  const { lane, jobs, health, concurrency } = options
  const isDown = health.isDown()
  if (isDown && lane === 'change') return usual
  // Mostly nothing is: then Redis is not asked.
  if ((await options.due(1)).length === 0) return isDown ? withoutRedis : usual
  // While the platform is down, most of what is brought back would not begin.
  const most = isDown ? concurrency : atMost
  const waiting = await jobs.waiting()
  if (waiting === null) {
    if (lane === 'revoke') options.direct(await identitiesOf(options.due(most)))
    return withoutRedis
  }
  if (waiting > 0 && (lane === 'change' || waiting >= most)) return usual
  // Where more is due than waits at most or is just being claimed, something was lost.
  const known = waiting === 0 ? 0 : (waiting + concurrency) * options.chunkOf(most)
  if (known >= most) return usual
  const due = await identitiesOf(options.due(most))
  if (due.length > known) await options.add(due)
  return isDown ? withoutRedis : due.length === most ? soon : usual
}

async function identitiesOf(due: Promise<readonly ObligationPointer[]>): Promise<readonly IdentityId[]> {
  return (await due).map(({ identity }) => identity)
}

/** Sweeps again and again until it is stopped. */
export interface Sweeping {
  /** Sweeps at once, or once more where a sweep is on its way. */
  now(): void
  stop(): void
}

export function keepSweeping(sweep: () => Promise<number>, logger: Logger, lane: string): Sweeping {
  let timer: NodeJS.Timeout | undefined
  let state: 'idle' | 'busy' | 'again' | 'stopped' = 'idle'
  const go = async () => {
    clearTimeout(timer)
    state = 'busy'
    const wait = await sweep().catch((error: unknown) => {
      logger.warn('the sweep failed', { lane, ...summarise(error) })
      return usual
    })
    timer = settleDown(wait)
  }
  const settleDown = (wait: number): NodeJS.Timeout | undefined => {
    if (state === 'stopped') return undefined
    const delay = state === 'again' ? 0 : wait
    state = 'idle'
    return setTimeout(() => void go(), delay)
  }
  timer = setTimeout(() => void go(), usual)
  return {
    now() {
      if (state === 'busy') state = 'again'
      else if (state === 'idle') void go()
    },
    stop() {
      state = 'stopped'
      clearTimeout(timer)
    },
  }
}
