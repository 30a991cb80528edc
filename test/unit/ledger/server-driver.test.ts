import { describe, expect, test } from 'vitest'
import { driveServer } from '../../../src/ledger/server-driver.ts'
import type { Server, Transaction } from '../../../src/ledger/server-driver.ts'
import { db, run } from '../../../src/ledger/unit.ts'
import type { Unit } from '../../../src/ledger/unit.ts'
import { KeyturnError } from '../../../src/model/errors.ts'

interface Trouble {
  /** So many BEGINs meet a locked ledger first. */
  readonly busy?: number
  /** So many statements find another transaction in the way first. */
  readonly inTheWay?: number
  readonly commitFails?: boolean
  /** This kind of statement loses the connection. */
  readonly lostBy?: string
}

/** Writes down what it is asked to do. */
function fake({ busy = 0, inTheWay = 0, commitFails = false, lostBy = '' }: Trouble = {}) {
  const calls: string[] = []
  const left = { busy, inTheWay }
  const begin = async (mode: string): Promise<Transaction> => {
    if (left.busy-- > 0) throw new KeyturnError('ledger-busy', 'Another process is writing.')
    calls.push(`begin ${mode}`)
    let alive = true
    return {
      execute: async ({ query }) => {
        const name = query.toOperationNode().kind
        calls.push(name)
        const isBusy = left.inTheWay-- > 0
        if (isBusy || lostBy === name) alive = false
        if (isBusy) throw new KeyturnError('ledger-busy', 'Another transaction was in the way.')
        if (lostBy === name || name === 'DeleteQueryNode') throw new Error(`${name} failed`)
        return []
      },
      savepoint: async () => void calls.push('savepoint'),
      undo: async () => void calls.push('undo'),
      commit: async () => {
        calls.push('commit')
        if (commitFails) throw new Error('the connection was lost')
      },
      rollback: async () => void calls.push('rollback'),
      isAlive: () => alive,
    }
  }
  const server: Server = { begin, version: () => '', close: async () => void calls.push('close') }
  return { calls, server }
}

function* writes<T>(value: T): Unit<T> {
  yield* run(db.updateTable('plan').set({ at: 1 }))
  return value
}

function* fails(): Unit<string> {
  yield* run(db.deleteFrom('plan'))
  return 'never'
}

const outcomes = async (work: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(work)).map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))

describe('group commit on a server', () => {
  test('shares one transaction, and all but the first have a savepoint', async () => {
    const { calls, server } = fake()
    const driver = driveServer(server)
    expect(await Promise.all([1, 2, 3].map((n) => driver.write(() => writes(n))))).toEqual([1, 2, 3])
    const behind = ['savepoint', 'UpdateQueryNode']
    expect(calls).toEqual(['begin write', 'UpdateQueryNode', ...behind, ...behind, 'commit'])
  })

  test('takes in what arrives while a statement is waited for', async () => {
    const { calls, server } = fake()
    const driver = driveServer(server)
    let later: Promise<string> | undefined
    function* slow(): Unit<string> {
      yield* run(db.updateTable('plan').set({ at: 1 }))
      later = driver.write(() => writes('later'))
      yield* run(db.updateTable('plan').set({ at: 2 }))
      return 'first'
    }
    expect(await driver.write(slow)).toBe('first')
    expect(await later).toBe('later')
    expect(calls.filter((call) => call === 'commit')).toHaveLength(1)
  })

  test('undoes alone who fails behind others, and ends with the first who fails', async () => {
    const { calls, server } = fake()
    const driver = driveServer(server)
    const work = [fails, () => writes('a'), fails, () => writes('b')].map((unit) => driver.write(unit))
    const failed = 'Error: DeleteQueryNode failed'
    expect(await outcomes(work)).toEqual([failed, 'a', failed, 'b'])
    expect(calls.filter((call) => call === 'undo')).toHaveLength(1)
    expect(calls.filter((call) => call === 'rollback')).toHaveLength(1)
  })

  test('tells everybody in it when COMMIT fails, or the connection is lost', async () => {
    for (const trouble of [{ commitFails: true }, { lostBy: 'DeleteQueryNode' }]) {
      const { calls, server } = fake(trouble)
      const driver = driveServer(server)
      const results = await Promise.allSettled([driver.write(() => writes('a')), driver.write(fails)])
      expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
      expect(calls.at(-1)).toBe('rollback')
    }
  })
})

describe('a busy server', () => {
  test('is tried again, whenever it turns out to be busy, and nobody is told', async () => {
    const { calls, server } = fake({ busy: 2, inTheWay: 1 })
    const driver = driveServer(server)
    expect(await outcomes([driver.write(() => writes('a')), driver.write(() => writes('b'))])).toEqual(['a', 'b'])
    expect(calls.filter((call) => call === 'begin write')).toHaveLength(2)
    const reader = fake({ busy: 1, inTheWay: 2 })
    expect(await driveServer(reader.server).read(() => writes('c'))).toBe('c')
  })

  test('is told to who has waited for ten seconds', async () => {
    for (const trouble of [{ busy: Infinity }, { inTheWay: Infinity }]) {
      let time = 0
      const driver = driveServer(fake(trouble).server, () => (time += 1_000))
      await expect(driver.write(() => writes('a'))).rejects.toMatchObject({ code: 'ledger-busy' })
      await expect(driver.read(() => writes('a'))).rejects.toMatchObject({ code: 'ledger-busy' })
    }
  })
})

test('closing waits for what was begun, and refuses what comes after', async () => {
  const { calls, server } = fake()
  const driver = driveServer(server)
  const work = [driver.write(() => writes('a')), driver.read(() => writes('b'))]
  await driver[Symbol.asyncDispose]()
  expect(await outcomes(work)).toEqual(['a', 'b'])
  expect(calls.at(-1)).toBe('close')
  await expect(driver.write(() => writes('c'))).rejects.toMatchObject({ code: 'ledger-unavailable' })
  await expect(driver.read(() => writes('c'))).rejects.toMatchObject({ code: 'ledger-unavailable' })
})
