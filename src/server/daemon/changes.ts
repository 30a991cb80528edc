// The change lanes have a process of their own, which is there only while there is something to change: ten thousand
// joiners never stand between a revocation and its event loop, and an idle daemon is small.
import { setTimeout as sleep } from 'node:timers/promises'
import { summarise } from '../../model/errors.ts'
import { SECOND } from '../../model/instant.ts'
import { openKeyturn } from '../context.ts'
import type { Keyturn } from '../context.ts'
import { openRedisOf, openWork } from '../lanes.ts'
import { openLog } from '../log.ts'
import { workerName } from '../machine.ts'
import { sparingly } from '../owing.ts'
import { openSettling } from '../settling.ts'
import { hearDaemon, restartPause, startChild } from './children.ts'
import type { Child } from './children.ts'
import { every } from '../every.ts'
import { newsOf } from './news.ts'
import { keepPlatformStates } from './platforms.ts'
import { tellSettled } from './stories.ts'

const lookEvery = SECOND
/** How long the process stays when nothing is owed, ms. */
const idleAtMost = 20 * SECOND
const stopPatience = 12 * SECOND
/** One that lived so long did not crash because it was begun, ms. */
const livedWell = 30 * SECOND

export interface Changes extends AsyncDisposable {
  /** Something may have become due. */
  wake(): void
}

/** In the daemon: starts the process when changes are due, and again when it dies. */
export function superviseChanges(keyturn: Keyturn): Changes {
  const { ledger, settings, logger, clock } = keyturn
  const due = sparingly(ledger)
  let child: Child | null = null
  let closed = false
  let crashes = 0
  let restAt = 0

  async function look(): Promise<void> {
    if (closed || child !== null || performance.now() < restAt) return
    for (const platform of Object.keys(settings.platforms)) {
      if ((await due(platform, 'change', clock(), 1)).length === 0) continue
      if (!closed && child === null) begin()
      return
    }
  }

  function begin(): void {
    const begun = startChild('changes', logger, () => undefined)
    child = begun
    begun.tell({ say: 'begin', work: 'plan', settings, sources: {}, down: [] })
    logger.debug('the change process is started', { pid: begun.pid })
    const begunAt = performance.now()
    void begun.ended.then((end) => {
      child = null
      const isWell = end === 0 || performance.now() - begunAt > livedWell
      crashes = (isWell ? 0 : crashes) + (end === 0 ? 0 : 1)
      if (end === 0 || closed) return
      restAt = performance.now() + restartPause(crashes - 1)
      logger.error('the change process ended; it is started again', { end, crashes })
      void afterCrash(begun.pid)
    })
  }

  /** What it had claimed does not wait for the end of its lease. */
  async function afterCrash(pid: number): Promise<void> {
    await ledger.releaseAllOf(workerName(pid, 'change')).catch(complain)
    await sleep(Math.max(0, restAt - performance.now()), undefined, { ref: false })
    attempt()
  }

  const complain = (error: unknown) => logger.warn('changes could not be looked for', summarise(error))

  const attempt = () => void look().catch(complain)
  const isNews = newsOf(ledger, 2)
  const timer = every(lookEvery, () => {
    if (isNews()) attempt()
  })
  return {
    wake() {
      if (child === null) attempt()
      else child.tell({ say: 'look' })
    },
    async [Symbol.asyncDispose]() {
      closed = true
      timer[Symbol.dispose]()
      await child?.stop(stopPatience)
    },
  }
}

/** The `changes` task. */
export async function runChanges(): Promise<void> {
  let look: () => void = () => undefined
  const daemon = hearDaemon(() => look())
  const { settings } = await daemon.next()
  await using keyturn = await openKeyturn({
    config: settings,
    readOnly: false,
    logger: await openLog({ level: 'info', pretty: process.stderr.isTTY }),
  })
  await using settling = openSettling(keyturn, ['change'], daemon.signal)
  await using redis = await openRedisOf(keyturn, { patient: true })
  await using states = await keepPlatformStates(keyturn)
  let busyAt = performance.now()
  await using lanes = await openWork(keyturn, {
    lanes: ['change'],
    redis,
    settling,
    onSettled: (settled) => {
      busyAt = performance.now()
      tellSettled(keyturn, settled)
    },
    breaker: { stored: states.stored, onState: states.save },
  })
  states.onTold((state) => lanes.told(state))
  look = () => {
    for (const platform of keyturn.connectors.keys()) lanes.wakeUp(platform, 'change')
  }
  look()
  while (!daemon.signal.aborted && performance.now() - busyAt < idleAtMost) {
    await sleep(lookEvery, undefined, { signal: daemon.signal }).catch(() => undefined)
    if (await isOwed(keyturn)) busyAt = performance.now()
  }
}

async function isOwed({ ledger, connectors, clock }: Keyturn): Promise<boolean> {
  for (const platform of connectors.keys()) {
    if ((await ledger.due(platform, 'change', clock(), 1)).length > 0) return true
  }
  return false
}
