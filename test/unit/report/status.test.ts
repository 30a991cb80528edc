import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import type { AcceptedRead } from '../../../src/model/identity.ts'
import type { Hold } from '../../../src/model/ledger.ts'
import { roles } from '../../../src/model/running.ts'
import type { Role } from '../../../src/model/running.ts'
import { renderStatus } from '../../../src/report/status.ts'
import type { Standing } from '../../../src/report/status.ts'
import { noon, obligation } from './samples.ts'

const nothing: Standing = {
  policyVersion: 'a'.repeat(64),
  sources: [],
  lanes: [],
  troubles: [],
  holds: [],
  platforms: [],
  states: [],
  processes: [],
  overrides: [],
  held: { count: 0, first: [] },
  rejected: { count: 0, first: [] },
  hindrances: [],
  marked: 0,
  restored: null,
  spool: { records: 0, people: 0, words: [], shut: [], trouble: null, unreadable: [] },
  timeToRevoke: [],
}

const hold: Hold = {
  id: 3,
  platform: 'wiki',
  why: 'removals-limit',
  text: '25 of 60 accounts',
  status: 'open',
  madeAt: noon,
  decidedAt: null,
  decidedBy: null,
  reason: null,
  items: [
    { fingerprint: 'a', identity: 'hr:7', summary: 'disable ada', status: 'open' },
    { fingerprint: 'b', identity: 'hr:7', summary: 'move ada', status: 'open' },
    { fingerprint: 'c', identity: 'hr:8', summary: 'disable ben', status: 'open' },
    { fingerprint: 'd', identity: 'hr:9', summary: 'disable cy', status: 'done' },
  ],
}

function page(more: Partial<Standing>): readonly string[] {
  const text = renderStatus({ ...nothing, ...more }, { now: noon, zone: 'Europe/Berlin' })
  return stripVTControlCharacters(text).split('\n')
}

test('what waits in the spool is not called nothing', () => {
  const spool = { ...nothing.spool, records: 32, people: 1 }
  expect(page({ spool })).toContain('Nothing is owed besides what waits in the spool.')
  expect(page({})).toContain('Nothing is owed.')
})

test('an empty ledger where another stood is not called restored', () => {
  const [first, second] = page({ restored: { at: noon, knownUntil: null } })
  expect(first).toMatch(/^The ledger is a new and empty one, and another stood here before \(noticed 2026-/)
  expect(second).toBe('If its file was deleted or moved, restore it from a backup.')
  const accepted = { at: noon, rows: 3, active: 3, digest: '', number: 1 } as unknown as AcceptedRead
  const read = page({
    restored: { at: noon, knownUntil: null },
    sources: [{ source: 'hr', accepted, refused: null }],
  })
  expect(read[0]).toMatch(/^The ledger was restored from a backup .*it is a new one/)
})

test('the mistakes of the configuration that were told already are not told again, others are', () => {
  const daemon = { id: 'host:1', roles: [...roles], startedAt: noon, policyVersion: nothing.policyVersion } as const
  const processes = [{ ...daemon, seenAt: noon, refusedConfig: 'a.yaml:1:1 wrong' }]
  const show = (told: string | null) =>
    renderStatus({ ...nothing, processes }, { now: noon, zone: 'Europe/Berlin', told })
  const told = 'the configuration has 1 mistake:\na.yaml:1:1 wrong'
  expect(show(told)).not.toContain('a.yaml')
  expect(show(told)).toContain('stays in force (why: above).')
  expect(show('b.yaml:1:1 wrong')).toContain('a.yaml:1:1 wrong')
  expect(show(null)).toContain('a.yaml:1:1 wrong')
})

test('a daemon that was killed is not told as one that runs', () => {
  const daemon = { id: 'host:1', roles: [...roles], startedAt: noon, policyVersion: nothing.policyVersion } as const
  const processes = [
    { ...daemon, seenAt: noon - 5_000, refusedConfig: null },
    { ...daemon, id: 'host:2', seenAt: noon - 20_000, refusedConfig: null },
  ]
  expect(page({ processes }).slice(0, 3)).toEqual([
    'daemon host:1  intake, workers, server  since 2026-11-22 13:00 Europe/Berlin',
    'daemon host:2  intake, workers, server  since 2026-11-22 13:00 Europe/Berlin  not heard from for 20.0 s',
    '',
  ])
})

test('a part of the work that no running process does is told, and only that', () => {
  const { policyVersion } = nothing
  const one = { id: 'host:1', startedAt: noon, seenAt: noon, policyVersion, refusedConfig: null }
  const told = (...shares: (readonly Role[])[]) =>
    page({ processes: shares.map((share) => ({ ...one, roles: share })) }).filter((line) => line.startsWith('No '))
  expect(told(['intake', 'server'])).toEqual([
    'No running daemon has the role workers: NOTHING that is owed is done, and nobody is shut out, until "keyturn run --only workers" runs.',
  ])
  expect(told(['workers'])).toEqual([
    expect.stringMatching(/^No running daemon has the role intake: NO feed is read/),
    expect.stringMatching(/^No running daemon has the role server: nobody is notified/),
  ])
  expect(told(['intake', 'server'], ['workers'])).toEqual([])
  expect(told()).toEqual([expect.stringMatching(/^No daemon runs/)])
})

test('a ledger that cannot be written, and what waits beside it, stand at the top; a daemon that cannot say so is not told as none', () => {
  const trouble = { since: noon, why: 'the disk is full' }
  const none = nothing.spool
  expect(page({ spool: { ...none, records: 3, people: 2, trouble } }).slice(0, 5)).toEqual([
    'The ledger cannot be written since 2026-11-22 13:00 Europe/Berlin: the disk is full',
    'As long as it can be read, who must be shut is shut all the same; nothing else is done.',
    '3 records about 2 people wait in the spool beside the ledger: the running daemon takes them over when it can be written again.',
    '',
    'A daemon runs on this machine; who else runs cannot be seen while the ledger cannot be written.',
  ])
  expect(page({ spool: { ...none, records: 1, people: 1, unreadable: ['h.7.spool'] } }).slice(0, 2)).toEqual([
    '1 record about 1 person waits in the spool beside the ledger: a running daemon takes them over within seconds, else "keyturn apply" does.',
    'This user cannot read the spool h.7.spool: what waits there?',
  ])
  expect(page({}).join()).not.toContain('spool')
})

test('how many people wait in holds, each once, and only for what is still open', () => {
  expect(page({ holds: [hold] })).toContain('3 changes of 2 people in 1 hold, not done until you decide: keyturn holds')
})

test('rows that are set aside are told with their places; of many the first, and the number', () => {
  const first = [3, 9].map((line) => ({ place: { file: 'hr.csv', line }, path: 'Status' }))
  const read = { source: 'hr', at: noon, rows: 90, active: 80, modifiedAt: noon, mappingVersion: 'v' }
  const told = (rows: number) => {
    const accepted = { ...read, setAside: { rows, since: noon, first: first.slice(0, rows) } }
    return page({ sources: [{ source: 'hr', accepted, refused: null }] })
  }
  const since = 'since 2026-11-22 13:00 Europe/Berlin: nothing changes for their people; keyturn plan'
  const many = told(12)
  const from = many.indexOf(`12 rows of hr set aside ${since}`)
  expect(many.slice(from + 1, from + 4)).toEqual(['  hr.csv:3  Status', '  hr.csv:9  Status', '  and 10 more'])
  expect(told(1)).toContain(`1 row of hr set aside ${since}`)
  expect(told(0).join()).not.toContain('set aside')
})

test('tries that are seconds apart are told to the second', () => {
  const lastError = { code: 'platform-unreachable', message: 'no answer' } as const
  const troubles = [obligation('7', { state: 'owed', lastError, nextTryAt: noon + 4_000 })]
  expect(page({ troubles })).toContain('  owed  wiki  hr:7  no answer  next try 2026-11-22 13:00:04 Europe/Berlin')
})

test('who is held is named with the reason; of many the first, and the number', () => {
  const first = Array.from({ length: 20 }, (_, at) => ({ identity: `hr:${at}`, held: 'contradicts itself' }))
  const some = page({ held: { count: 40, first } })
  expect(some).toContain('40 people are held: the source is not believed, and all stays as before')
  expect(some).toContain('  hr:4  contradicts itself')
  expect(some).toContain('  and 35 more')
  expect(page({ held: { count: 1, first: first.slice(0, 1) } }).join()).toContain('1 person is held')
})

test('who is hindered is named with what is in the way; of many the first, and the number; those who left are told apart', () => {
  const first = Array.from({ length: 20 }, (_, at) => ({ identity: `hr:${at}`, text: 'No free name', since: noon }))
  const names = { platform: 'wiki', why: 'no-name', keptOut: false, people: 40, first } as const
  const doubt = { ...names, why: 'disputed', keptOut: true, people: 1, first: first.slice(0, 1) } as const
  const some = page({ hindrances: [doubt, names] })
  const from = some.indexOf('1 person to be shut may still have access on wiki, withheld: disputed.')
  expect(some.slice(from + 1, from + 4)).toEqual([
    '  hr:0  No free name',
    '40 people are not as they should be on wiki, withheld: no free name.',
    '  hr:0  No free name',
  ])
  expect(some).toContain('  and 35 more: keyturn plan')
})
