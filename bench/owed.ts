// What the ledger of a running daemon says, asked from outside.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLedger } from '../src/ledger/index.ts'
import type { RunningDaemon } from './daemon.ts'
import type { World } from './world.ts'

export type Ledger = Awaited<ReturnType<typeof openLedger>>

const askEvery = 50
const patience = 30 * 60_000

export function ledgerOf(world: World, readOnly = true): Promise<Ledger> {
  return openLedger(`sqlite:${join(world.folder, 'var/keyturn.db')}`, { readOnly })
}

/** Waits until so many accounts are linked and nothing is owed or marked. Returns when, by `performance.now()`. */
export async function settled(ledger: Ledger, accounts: number, platform = 'directory'): Promise<number> {
  for (const deadline = performance.now() + patience; ; await sleep(askEvery)) {
    const at = performance.now()
    if ((await nothingOwed(ledger)) && (await ledger.population(platform)) === accounts) return at
    if (at > deadline) throw new Error(`${JSON.stringify(await ledger.openCounts())} is still owed`)
  }
}

export async function nothingOwed(ledger: Ledger): Promise<boolean> {
  const counts = await ledger.openCounts()
  if (counts.some(({ owed, waiting }) => owed + waiting > 0)) return false
  return (await ledger.marked(1)).length === 0
}

/** Waits until the daemon rests: nothing is owed, and for so long (ms) it has had no process for heavy work. */
export async function quiet(daemon: RunningDaemon, ledger: Ledger, ms: number): Promise<void> {
  for (let since = performance.now(); performance.now() - since < ms; await sleep(200)) {
    if (!(await nothingOwed(ledger)) || (await daemon.tasks()) > 0) since = performance.now()
  }
}
