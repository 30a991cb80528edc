import { hostname } from 'node:os'
import { expect, test } from 'vitest'
import { releaseOfTheDead, workerName } from '../../../src/server/machine.ts'

/** No process has this id: Linux gives none above 4,194,304 (proc(5), pid_max). */
const nobody = 4_999_999

function ledgerOf(workers: readonly string[]) {
  const released: string[] = []
  const ledger = { claimants: async () => workers, releaseAllOf: async (worker: string) => void released.push(worker) }
  return { ledger, released }
}

const told: string[] = []
const say = (message: string) => void told.push(message)
const logger = { debug: say, info: say, change: say, warn: say, error: say }

async function releasedOf(workers: readonly string[]): Promise<readonly string[]> {
  const { ledger, released } = ledgerOf(workers)
  await releaseOfTheDead({ ledger, logger } as unknown as Parameters<typeof releaseOfTheDead>[0])
  return released
}

test('what a process of this machine had claimed that is gone is free; who lives keeps it', async () => {
  const dead = [workerName(nobody, 'revoke'), workerName(nobody, 'change')]
  expect(await releasedOf([...dead, workerName(process.pid, 'revoke')])).toEqual(
    process.platform === 'linux' ? dead : [],
  )
})

test('of another machine, another boot, or another namespace of processes nothing is known', async () => {
  const own = workerName(nobody, 'revoke')
  const others = [
    own.replace(hostname(), 'elsewhere'),
    `${own}1`,
    `${hostname()}:${nobody}:revoke:`,
    'of an older version',
  ]
  expect(await releasedOf(others)).toEqual([])
})

test('a ledger that cannot be read keeps no daemon from beginning', async () => {
  const ledger = { claimants: () => Promise.reject(new Error('the disk is full')) }
  await releaseOfTheDead({ ledger, logger } as unknown as Parameters<typeof releaseOfTheDead>[0])
  expect(told.at(-1)).toContain('could not be looked for')
})
