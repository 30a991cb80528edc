// What is PostgreSQL's own: connections that die, servers that do not answer, several machines at once, and backups.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { examineLedger } from '../../../src/ledger/examine.ts'
import { openLedger } from '../../../src/ledger/index.ts'
import { connectPostgres } from '../../../src/ledger/postgres.ts'
import { parsePostgres } from '../../../src/model/ledger-url.ts'
import type { PostgresAddress } from '../../../src/model/ledger-url.ts'
import { KeyturnError } from '../../../src/model/errors.ts'
import { driveServer } from '../../../src/ledger/server-driver.ts'
import type { Unit } from '../../../src/ledger/unit.ts'
import { freePort } from '../../servers/ports.ts'
import { startPostgres } from '../../servers/postgresql.ts'
import type { PostgresServer } from '../../servers/postgresql.ts'
import * as s from './samples.ts'

let server: PostgresServer
let databases = 0

beforeAll(async () => {
  server = await startPostgres({ tls: true })
})

afterAll(() => server[Symbol.asyncDispose]())

async function database(): Promise<string> {
  databases += 1
  return server.create(`own_${databases}`)
}

async function opened(url: string, options: Parameters<typeof openLedger>[1] = {}) {
  const ledger = await openLedger(url, options)
  onTestFinished(() => ledger[Symbol.asyncDispose]())
  return ledger
}

async function failureOf(work: Promise<unknown>): Promise<KeyturnError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (error instanceof KeyturnError) return error
  throw new Error(`no KeyturnError: ${String(error)}`)
}

function* asked(text: string): Unit<readonly unknown[]> {
  return yield { query: sql.raw(text) }
}

function driverOf(url: string) {
  const driver = driveServer(connectPostgres(parsePostgres(url) as PostgresAddress))
  onTestFinished(() => driver[Symbol.asyncDispose]())
  return driver
}

/** Stops the server's processes that serve this database where they stand, until `thaw` or the end of the test. */
async function freezeSessions(name: string): Promise<{ readonly thaw: () => void }> {
  const found = await server.query(`select pid from pg_stat_activity where datname = '${name}'`)
  const frozen = new Set(found.map(({ pid }) => Number(pid)))
  for (const pid of frozen) process.kill(pid, 'SIGSTOP')
  const thaw = () => {
    for (const pid of frozen) process.kill(pid, 'SIGCONT')
    frozen.clear()
  }
  onTestFinished(thaw)
  return { thaw }
}

describe('a ledger on PostgreSQL', () => {
  test('is made in an empty database by several at once, and by one of them only', async () => {
    const url = await database()
    const ledgers = await Promise.all(Array.from({ length: 6 }, () => opened(url)))
    expect(await Promise.all(ledgers.map((ledger) => ledger.lastAudit()))).toEqual([0, 0, 0, 0, 0, 0])
    const made = await server.query('select number from migration order by number', `own_${databases}`)
    expect(made.map(({ number }) => Number(number))).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('that is not there looks empty to who only reads, and nothing is made', async () => {
    const url = await database()
    const ledger = await opened(url, { readOnly: true })
    expect(await ledger.identities()).toEqual([])
    expect(await server.query(`select 1 from pg_tables where schemaname = 'public'`, `own_${databases}`)).toEqual([])
  })

  test('can be read by a role that may only read', async () => {
    const url = await database()
    await (await opened(url)).saveIntake(s.intake(s.people(1)), 'c')
    await server.query(`do $$ begin create role auditor login password '${server.password}'; end $$`)
    await server.query('grant select on all tables in schema public to auditor', `own_${databases}`)
    const auditor = url.replace('keyturn:', 'auditor:')
    expect(await (await opened(auditor, { readOnly: true })).identities()).toHaveLength(1)
    const error = await failureOf((await opened(auditor)).tick('hr', 1, 1))
    expect(error).toMatchObject({ code: 'ledger-unavailable', message: expect.stringContaining('permission denied') })
  })

  test('gives numbers as numbers, and keeps texts as they are sorted by bytes', async () => {
    const url = await database()
    const ledger = await opened(url)
    const people = ['b', 'B', 'ä', 'a', '_'].map((key) => s.person(key))
    await ledger.saveIntake(s.intake(people), 'c')
    await ledger.audit([s.record('b', { detail: 'a\0b', after: `it's "so" \\ %` })])
    expect(await ledger.auditOf('hr:b', 1)).toMatchObject([{ detail: 'a\uFFFDb', after: `it's "so" \\ %`, at: s.now }])
    expect((await ledger.identities()).map(({ key, startsAt }) => [key, startsAt])).toEqual(
      ['B', '_', 'a', 'b', 'ä'].map((key) => [key, s.now - 1_000]),
    )
  })
})

describe('units that write', () => {
  test('follow one another: two that read and then write lose nothing', async () => {
    const url = await database()
    const [one, other] = [driverOf(url), driverOf(url)]
    await one.write(() => asked('create table counter (value bigint)'))
    await one.write(() => asked('insert into counter values (0)'))
    function* increment(): Unit<void> {
      const [row] = (yield* asked('select value from counter')) as readonly { value: number }[]
      yield* asked('select pg_sleep(0.01)')
      yield* asked(`update counter set value = ${(row?.value ?? 0) + 1}`)
    }
    await Promise.all(Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? one : other).write(increment)))
    expect(await one.read(() => asked('select value from counter'))).toEqual([{ value: 20 }])
  })

  test('that fail are undone alone, also the first of a group', async () => {
    const driver = driverOf(await database())
    await driver.write(() => asked('create table word (text text)'))
    const words = ['a', null, 'b', null, 'c'].map((word) =>
      driver.write(() =>
        asked(word === null ? 'insert into nothing values (1)' : `insert into word values ('${word}')`),
      ),
    )
    const first = await Promise.allSettled([driver.write(() => asked('select broken')), ...words])
    expect(first.map(({ status }) => status === 'fulfilled')).toEqual([false, true, false, true, false, true])
    expect(await driver.read(() => asked('select text from word order by text'))).toHaveLength(3)
  })

  test('wait while another session holds the ledger, and are told so after ten seconds', async () => {
    const url = await database()
    const ledger = await opened(url)
    const holder = connectPostgres(parsePostgres(url) as PostgresAddress)
    onTestFinished(() => holder.close())
    const held = await holder.begin('write')
    const waiting = ledger.tick('hr', 1, 1)
    await pause(300)
    await held.commit()
    expect(await waiting).toBe(true)

    const stuck = await holder.begin('write')
    let time = 0
    const limits = { statement: 5_000, lock: 100 }
    const hurried = driveServer(connectPostgres(parsePostgres(url) as PostgresAddress, limits), () => (time += 4_000))
    onTestFinished(() => hurried[Symbol.asyncDispose]())
    const error = await failureOf(hurried.write(() => asked('select 1')))
    expect(error).toMatchObject({ code: 'ledger-busy', message: expect.stringContaining('for 10 s') })
    await stuck.rollback()
    expect(await ledger.tick('hr', 2, 2)).toBe(true)
  })

  test('are tried again after a deadlock, and nobody is told', async () => {
    const url = await database()
    const driver = driverOf(url)
    await driver.write(() => asked('create table pair (id bigint primary key, value bigint)'))
    await driver.write(() => asked('insert into pair values (1, 0), (2, 0)'))
    let tries = 0
    function* deadlocked(): Unit<void> {
      tries += 1
      if (tries === 1) yield* asked(`do $$ begin raise exception 'deadlock' using errcode = '40P01'; end $$`)
      yield* asked('update pair set value = value + 1')
    }
    await Promise.all([driver.write(deadlocked), driver.write(() => asked('update pair set value = value + 1'))])
    expect(tries).toBe(2)
    expect(await driver.read(() => asked('select value from pair'))).toEqual([{ value: 2 }, { value: 2 }])
  })
})

describe('connections', () => {
  test('that died while nobody used them are replaced', async () => {
    const url = await database()
    const ledger = await opened(url)
    ledger.version()
    await ledger.tick('hr', 1, 1)
    await Promise.all(Array.from({ length: 5 }, () => ledger.lastAudit()))
    const end = `select pg_terminate_backend(pid) from pg_stat_activity where datname = 'own_${databases}'`
    expect((await server.query(end)).length).toBeGreaterThan(4)
    expect(await ledger.lastAudit()).toBe(0)
    expect(await ledger.tick('hr', 2, 2)).toBe(true)
  })

  test('that were ended in the middle leave nothing half done, and what comes next works', async () => {
    const url = await database()
    const driver = driverOf(url)
    await driver.write(() => asked('create table word (text text)'))
    function* dying(): Unit<void> {
      yield* asked(`insert into word values ('a')`)
      yield* asked('select pg_terminate_backend(pg_backend_pid())')
    }
    expect(await failureOf(driver.write(dying))).toMatchObject({ code: 'ledger-unavailable' })
    await driver.write(() => asked(`insert into word values ('b')`))
    expect(await driver.read(() => asked('select text from word'))).toEqual([{ text: 'b' }])
  })

  test('do not stay in a transaction that a frozen process began: others go on after ten seconds', async () => {
    const url = await database()
    const ledger = await opened(url)
    const frozen = connectPostgres(parsePostgres(url) as PostgresAddress)
    onTestFinished(() => frozen.close())
    const held = await frozen.begin('write')
    const begun = performance.now()
    const results = await Promise.allSettled([ledger.tick('hr', 1, 1)])
    // Whoever waited from the beginning may have lost patience at that very moment.
    if (results[0].status === 'rejected') expect(await ledger.tick('hr', 1, 1)).toBe(true)
    expect(performance.now() - begun).toBeLessThan(16_000)
    await expect(held.commit()).rejects.toMatchObject({ code: 'ledger-unavailable' })
  })

  test('that do not answer are given up after seconds, and new ones are made', async () => {
    const ledger = await opened(await database())
    await ledger.tick('hr', 1, 1)
    const { thaw } = await freezeSessions(`own_${databases}`)
    const begun = performance.now()
    const error = await failureOf(ledger.tick('hr', 2, 2))
    expect(error).toMatchObject({ code: 'ledger-unavailable', message: expect.stringContaining('within 6 s') })
    expect(performance.now() - begun).toBeLessThan(10_000)
    thaw()
    expect(await ledger.tick('hr', 2, 2)).toBe(true)
  })

  test('to a server that was killed and started again are made anew', async () => {
    const ledger = await opened(await database())
    await ledger.tick('hr', 1, 1)
    await server.kill()
    const error = await failureOf(ledger.tick('hr', 2, 2))
    expect(error).toMatchObject({ code: 'ledger-unavailable' })
    expect((await failureOf(ledger.lastAudit())).message).toContain(`own_${databases} at 127.0.0.1:${server.port}`)
    await server.start()
    expect(await ledger.tick('hr', 2, 2)).toBe(true)
    expect(await ledger.tick('hr', 1, 1)).toBe(false)
  })
})

describe('an address that cannot be used', () => {
  test.each([
    ['a wrong password', (url: string) => url.replace(server.password, 'hunter2-hunter2'), 'does not let this user in'],
    ['no password', (url: string) => url.replace(`:${server.password}@`, '@'), 'asks for a password'],
    ['a database that is not there', (url: string) => url.replace(/own_\d+/, 'nowhere'), 'does not exist'],
    ['a server that is not there', (url: string) => url.replace(/:\d+\//, ':1/'), 'ECONNREFUSED'],
    ['a name that is not there', (url: string) => url.replace('127.0.0.1', 'db.invalid'), 'db.invalid:'],
    ['an authority that nobody knows', (url: string) => `${url}?sslmode=verify-full`, 'certificate'],
  ])('%s: is told with the place and without the password', async (_, wrong, expected) => {
    const url = wrong(await database())
    const error = await failureOf(openLedger(url))
    expect(error.code).toBe('ledger-unavailable')
    expect(error.message).toContain(expected)
    expect(error.hint).not.toBe(undefined)
    const told = `${error.stack} ${error.hint} ${JSON.stringify(error)} ${JSON.stringify(error.cause)} ${String(error.cause)}`
    expect(told).not.toMatch(new RegExp(`${server.password}|hunter2`))
  })

  test('a server that accepts and says nothing is given up after seconds', async () => {
    const { createServer } = await import('node:net')
    const port = await freePort()
    const silent = createServer(() => undefined).listen(port, '127.0.0.1')
    onTestFinished(() => void silent.close())
    const error = await failureOf(openLedger(`postgres://keyturn:x@127.0.0.1:${port}/keyturn`))
    expect(error).toMatchObject({ code: 'ledger-unavailable', message: expect.stringContaining('within 5 s') })
  })

  test('over TLS the server must show a certificate for its name by who is trusted', async () => {
    const url = `${await database()}?sslmode=verify-full&sslrootcert=${server.ca}`
    for (const host of ['127.0.0.1', 'localhost']) {
      const found = await examineLedger(url.replace('127.0.0.1', host), Date.now)
      expect(found[0]).toMatchObject({ severity: 'fact', message: expect.stringContaining(', over TLS') })
    }
    const error = await failureOf(openLedger(url.replace('127.0.0.1', '127.0.0.2')))
    expect(error.message).toContain(`127.0.0.2 is not in the cert's list`)
  })
})

test('doctor is told the version, that a power cut may cost something, and that clocks differ', async () => {
  const found = await examineLedger(await database(), () => Date.now() + 60_000)
  expect(found.map(({ severity }) => severity)).toEqual(['fact', 'warning', 'warning'])
  expect(found.map(({ message }) => message).join('\n')).toMatch(
    /PostgreSQL \d+\S* .*answers: own_\d+ at 127\.0\.0\.1:\d+\n.*fsync is off.*\n.*differ by 60 s/,
  )
})

describe('news', () => {
  test('of others come at once while the server is listened to, and every second while it is not', async () => {
    const url = await database()
    const [ours, theirs] = [await opened(url), await opened(url)]
    ours.version()
    await pause(300)
    const quiet = ours.version()
    expect(quiet.split('.')).toHaveLength(2)
    await theirs.tick('hr', 1, 1)
    await pause(100)
    expect(ours.version()).not.toBe(quiet)
    // A unit that changes nothing is none.
    const before = ours.version()
    await theirs.tick('hr', 1, 1)
    await pause(100)
    expect(ours.version()).toBe(before)

    const listens = `datname = 'own_${databases}' and query in ('listen keyturn', 'select 1')`
    await server.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${listens}`)
    await pause(100)
    const deaf = ours.version()
    await pause(1_100)
    expect(ours.version()).not.toBe(deaf)
  })
})

describe('a backup that is put back', () => {
  test('is noticed by the witness in the state folder of each machine', async () => {
    const url = await database()
    const { folder } = await s.temporaryLedger()
    const [here, there] = [join(folder, 'here'), join(folder, 'there')]
    const first = await openLedger(url, { folder: here })
    await first.saveIntake(s.intake(s.people(1)), 'c')
    await first[Symbol.asyncDispose]()
    expect(await opened(url, { folder: there }).then((ledger) => ledger.restored())).toBeNull()
    const witness = JSON.parse(await readFile(join(here, 'ledger.witness'), 'utf8')) as { beat: number }
    expect(witness.beat).toBeGreaterThan(0)
    // As a backup from before would have it.
    await server.query('update ledger_self set beat = 0', `own_${databases}`)
    const reader = await openLedger(url, { folder: here, readOnly: true })
    expect(await reader.restored()).not.toBeNull()
    await reader[Symbol.asyncDispose]()
    const after = await opened(url, { folder: here })
    expect(await after.restored()).not.toBeNull()
    expect((await after.auditSince('ledger-restored', 0)).length).toBe(1)
  })

  test('while daemons run ends all of them, whichever of them notices it first', async () => {
    const url = await database()
    const { folder } = await s.temporaryLedger()
    const told: string[] = []
    const machines = await Promise.all(
      ['here', 'there'].map((name) => opened(url, { folder: join(folder, name), onReplaced: () => told.push(name) })),
    )
    for (const machine of machines) await machine.tick('hr', machines.indexOf(machine), 1)
    await pause(2_500)
    await server.query('update ledger_self set beat = 0', `own_${databases}`)
    await pause(4_500)
    expect(new Set(told)).toEqual(new Set(['here', 'there']))
    expect((await machines[0]?.auditSince('ledger-restored', 0))?.length).toBe(1)
  })

  test('is not noticed where there is no state folder, and a witness that cannot be read costs one more look', async () => {
    const url = await database()
    const { folder } = await s.temporaryLedger()
    await (await opened(url)).tick('hr', 1, 1)
    await writeFile(join(folder, 'ledger.witness'), 'restored')
    expect(await (await opened(url)).restored()).toBeNull()
    expect(await (await opened(url, { folder })).restored()).not.toBeNull()
  })
})
