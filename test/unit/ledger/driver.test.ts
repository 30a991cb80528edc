import { describe, expect, test } from 'vitest'
import { drive } from '../../../src/ledger/driver.ts'
import type { Connection } from '../../../src/ledger/driver.ts'
import { db, run } from '../../../src/ledger/unit.ts'
import type { Unit } from '../../../src/ledger/unit.ts'
import { KeyturnError } from '../../../src/model/errors.ts'

/** Writes down what it is asked to do. `busy`: so many BEGINs meet a locked database first. */
function fake({ busy = 0, commitFails = false, lostBy = '' } = {}) {
  const calls: string[] = []
  let left = busy
  let open = false
  const connection: Connection = {
    version: () => '',
    begin(mode) {
      if (left-- > 0) throw new KeyturnError('ledger-busy', 'Another process is writing.')
      open = true
      calls.push(`begin ${mode}`)
    },
    commit() {
      if (commitFails) throw new Error('the disk is full')
      open = false
      calls.push('commit')
    },
    rollback() {
      open = false
      calls.push('rollback')
    },
    savepoint: () => calls.push('savepoint'),
    keep: () => calls.push('keep'),
    undo: () => calls.push('undo'),
    inTransaction: () => open,
    execute({ query }) {
      const name = query.toOperationNode().kind
      calls.push(name)
      if (lostBy === name) open = false
      if (lostBy === name || name === 'DeleteQueryNode') throw new Error(`${name} failed`)
      return []
    },
    close: () => calls.push('close'),
  }
  return { calls, connection }
}

function* writes<T>(value: T): Unit<T> {
  yield* run(db.updateTable('plan').set({ at: 1 }))
  return value
}

function* fails(): Unit<string> {
  yield* run(db.deleteFrom('plan'))
  return 'never'
}

function* recovers(): Unit<string> {
  try {
    yield* run(db.deleteFrom('plan'))
  } catch {
    return 'recovered'
  }
  return 'never'
}

describe('group commit', () => {
  test('writes that arrive together share one transaction, each in a savepoint of its own', async () => {
    const { calls, connection } = fake()
    const driver = drive(connection)
    const values = await Promise.all([1, 2, 3].map((n) => driver.write(() => writes(n))))
    expect(values).toEqual([1, 2, 3])
    const unit = ['savepoint', 'UpdateQueryNode', 'keep']
    expect(calls).toEqual(['begin write', ...unit, ...unit, ...unit, 'commit'])
  })

  test('a unit that fails is undone alone', async () => {
    const { calls, connection } = fake()
    const driver = drive(connection)
    const results = await Promise.allSettled([
      driver.write(() => writes('a')),
      driver.write(fails),
      driver.write(() => writes('b')),
    ])
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value : String(result.reason)))).toEqual([
      'a',
      'Error: DeleteQueryNode failed',
      'b',
    ])
    expect(calls.filter((call) => call === 'undo')).toHaveLength(1)
    expect(calls.at(-1)).toBe('commit')
  })

  test('nobody is told of success when COMMIT fails', async () => {
    const { calls, connection } = fake({ commitFails: true })
    const driver = drive(connection)
    const results = await Promise.allSettled([driver.write(() => writes('a')), driver.write(() => writes('b'))])
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected'])
    expect(calls.at(-1)).toBe('rollback')
  })

  test('when the database gives up the whole transaction, everybody in it is told', async () => {
    const { connection } = fake({ lostBy: 'DeleteQueryNode' })
    const driver = drive(connection)
    const results = await Promise.allSettled([driver.write(() => writes('a')), driver.write(fails)])
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected'])
  })

  test('a promise resolves only after COMMIT', async () => {
    const { calls, connection } = fake()
    await drive(connection).write(() => writes('a'))
    expect(calls.at(-1)).toBe('commit')
  })

  test('an error of the database is thrown inside the unit, which may go on', async () => {
    const { connection } = fake()
    expect(await drive(connection).write(recovers)).toBe('recovered')
  })
})

describe('after a long group', () => {
  /** What happens when two writes follow each other, and somebody else comes after half of the rest. */
  async function twoWrites(took: number) {
    let time = 0
    const { calls, connection } = fake()
    const driver = drive(connection, () => time)
    function* long(): Unit<void> {
      yield* writes('a')
      time += took
    }
    await driver.write(long)
    const another = new Promise<void>((resolve) => {
      setTimeout(() => {
        calls.push('another process')
        resolve()
      }, 5)
    })
    await Promise.all([driver.write(() => writes('b')), another])
    return calls.filter((call) => call === 'begin write' || call === 'another process')
  }

  test('the ledger stays free for a moment, so that another process gets its turn', async () => {
    expect(await twoWrites(40)).toEqual(['begin write', 'another process', 'begin write'])
  })

  test('and after a short one it does not', async () => {
    expect(await twoWrites(1)).toEqual(['begin write', 'begin write', 'another process'])
  })
})

describe('a busy ledger', () => {
  test('is tried again, for writes and for reads', async () => {
    const { calls, connection } = fake({ busy: 3 })
    expect(await drive(connection).write(() => writes('a'))).toBe('a')
    expect(calls.filter((call) => call === 'begin write')).toHaveLength(1)
    const reader = fake({ busy: 2 })
    expect(await drive(reader.connection).read(() => writes('b'))).toBe('b')
  })

  test('after ten seconds the caller is told, and who came later goes on waiting', async () => {
    let time = 0
    const { connection } = fake({ busy: 3 })
    const driver = drive(connection, () => time)
    const early = driver.write(() => writes('early'))
    time = 10_001
    const late = driver.write(() => writes('late'))
    await expect(early).rejects.toMatchObject({ code: 'ledger-busy' })
    expect(await late).toBe('late')
  })

  test('a reader, too, is told after ten seconds', async () => {
    let time = 0
    const { connection } = fake({ busy: Infinity })
    const read = drive(connection, () => (time += 4_000)).read(() => writes('a'))
    await expect(read).rejects.toMatchObject({ code: 'ledger-busy' })
  })
})

test('closing waits for what was begun, and refuses what comes after', async () => {
  const { calls, connection } = fake()
  const driver = drive(connection)
  const write = driver.write(() => writes('a'))
  await driver[Symbol.asyncDispose]()
  expect(await write).toBe('a')
  expect(calls.at(-1)).toBe('close')
  await expect(driver.write(() => writes('b'))).rejects.toMatchObject({ code: 'ledger-unavailable' })
  await driver[Symbol.asyncDispose]()
  expect(calls.filter((call) => call === 'close')).toHaveLength(1)
})

test('a read that fails ends its transaction', async () => {
  const { calls, connection } = fake()
  await expect(drive(connection).read(fails)).rejects.toThrow('DeleteQueryNode failed')
  expect(calls.at(-1)).toBe('rollback')
})
