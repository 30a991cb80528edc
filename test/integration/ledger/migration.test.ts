import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { sqlite } from '../../../src/ledger/dialect.ts'
import { drive } from '../../../src/ledger/driver.ts'
import { openLedger } from '../../../src/ledger/index.ts'
import { migrate } from '../../../src/ledger/migrate.ts'
import { start } from '../../../src/ledger/migrations/001-start.ts'
import { connect } from '../../../src/ledger/sqlite.ts'
import * as s from './samples.ts'

/** A ledger as the first version of Keyturn left it: two people, one of whom starts on a date, and an accepted read. */
async function firstLedger() {
  const { url, path } = await s.temporaryLedger()
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const driver = drive(connect(path, { queryOnly: false, fileReadOnly: false }))
  await driver.write(() => migrate(sqlite, s.now, [{ number: 1, name: 'start', up: start }]))
  await driver[Symbol.asyncDispose]()
  using raw = new DatabaseSync(path)
  const insert = raw.prepare(
    `insert into identity (id, source, key, attributes, refers_to, status, zone, state, next_at, next_state,
       left_before_first_seen, first_seen_at, reason, record_hash, place, folded_id, folded_key)
     values (?, 'hr', ?, '{"mail":"a@corp.example"}', '{}', 'active', 'Europe/Berlin', ?, ?, ?, 0, ?, ?, 'hash', ?, ?, ?)`,
  )
  const told = [s.now, '{"kind":"source","text":"status"}', '{"file":"people.csv","line":2}'] as const
  insert.run('hr:p1', 'p1', 'active', null, null, ...told, 'hr:p1', 'p1')
  insert.run('hr:p2', 'p2', 'pre-hire', s.now + 5, 'active', ...told, 'hr:p2', 'p2')
  raw.exec(`insert into accepted_read values ('hr', ${s.now}, 2, 1, ${s.now - 5}, 'v1')`)
  raw.exec(
    `insert into link values ('hr:p1', 'corp-ad', 'guid-p1', 'ann.p1', 'ann.p1', 'CN=ann.p1', 'created', 1, null, 0, 0, null)`,
  )
  return { url, path }
}

test('a ledger of the first version is brought up to date where it stands: everybody is still there, and waits for the clock', async () => {
  const { url } = await firstLedger()
  await using ledger = await openLedger(url)
  expect(await ledger.identities()).toMatchObject([
    { id: 'hr:p1', state: 'active', next: null, revision: 1 },
    { id: 'hr:p2', state: 'pre-hire', next: { at: s.now + 5, state: 'active' }, revision: 1 },
  ])
  expect(await ledger.links('corp-ad')).toMatchObject([{ identity: 'hr:p1', nativeId: 'guid-p1' }])
  const read = { source: 'hr', at: s.now, rows: 2, active: 1, modifiedAt: s.now - 5, mappingVersion: 'v1', number: 1 }
  expect(await ledger.acceptedRead('hr')).toEqual(read)
  expect(await ledger.clockDue(s.now + 4, 10)).toEqual([])
  expect(await ledger.clockDue(s.now + 5, 10)).toEqual(['hr:p2'])
  expect(await ledger.marked(10)).toEqual([])

  await ledger.saveIntake(s.intake([s.person('p1', { state: 'left' })], { base: 1 }), 'c')
  expect(await ledger.identitiesById(['hr:p1'])).toMatchObject([{ state: 'left', revision: 2 }])
  expect(await ledger.acceptedRead('hr')).toMatchObject({ number: 2 })
})

test('who only reads an older ledger is told which command brings it up to date, and changes nothing', async () => {
  const { url, path } = await firstLedger()
  await expect(openLedger(url, { readOnly: true })).rejects.toMatchObject({
    code: 'ledger-unavailable',
    message: expect.stringContaining('older Keyturn') as string,
  })
  using raw = new DatabaseSync(path, { readOnly: true })
  expect(raw.prepare('select max(number) as last from migration').get()).toEqual({ last: 1 })
})

test('both that open an older ledger at once find it up to date', async () => {
  const { url, path } = await firstLedger()
  const [one, two] = await Promise.all([openLedger(url), openLedger(url)])
  for (const ledger of [one, two]) onTestFinished(() => ledger[Symbol.asyncDispose]())
  expect(await one.identities()).toEqual(await two.identities())
  using raw = new DatabaseSync(path, { readOnly: true })
  const numbers = raw
    .prepare('select number from migration order by number')
    .all()
    .map((row) => row['number'])
  expect(numbers).toEqual(Array.from(numbers, (_, index) => index + 1))
})
