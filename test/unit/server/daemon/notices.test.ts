import { expect, test } from 'vitest'
import { MINUTE, SECOND } from '../../../../src/model/instant.ts'
import type { Keyturn } from '../../../../src/server/context.ts'
import { present } from '../../../../src/server/daemon/notices.ts'

const now = Date.UTC(2031, 4, 5, 6, 7, 8)
const error = { code: 'platform-unreachable', message: 'no answer' } as const

type Fakes = Partial<Record<keyof Keyturn['ledger'], (...args: never[]) => unknown>>

const observing = { revoke: 'observe', create: 'observe', attributes: 'observe', entitlements: 'observe' }

/** A ledger in which nothing is the case, but for what is stated. */
function keyturnWith(fakes: Fakes): Keyturn {
  const nobody = async () => []
  const nothing = async () => null
  return {
    clock: () => now,
    settings: {
      sources: { hr: {} },
      platforms: {
        ad: { id: 'ad', objectives: { revoke: MINUTE }, mode: { ...observing, create: 'full' } },
        wiki: { id: 'wiki', objectives: { revoke: 10 * SECOND }, mode: observing },
      },
    },
    ledger: {
      openRevocations: nobody,
      platformStates: nobody,
      openHoldCounts: nobody,
      holds: nobody,
      heldPeople: async () => ({ count: 0, first: [] }),
      rejectedLeavers: async () => ({ count: 0, first: [] }),
      hindrances: nobody,
      processes: nobody,
      openCounts: nobody,
      auditSince: nobody,
      acceptedRead: nothing,
      lastRefusal: nothing,
      restored: nothing,
      ...fakes,
    },
  } as unknown as Keyturn
}

const revocation = (identity: string, platform: string, waits: number, more: object = {}) => {
  const at = now - waits
  return {
    identity,
    platform,
    lane: 'revoke',
    receivedAt: at,
    admittedAt: at,
    tries: 1,
    lastError: error,
    proof: null,
    ...more,
  }
}

const told = async (fakes: Fakes) =>
  (await present(keyturnWith(fakes))).map(({ key, kind, severity }) => [key, kind, severity])

test('nothing is told where nothing is the case', async () => {
  expect(await told({})).toEqual([])
})

test('a revocation is warned of before its platform’s objective is missed, and paged for after it', async () => {
  const asked: number[] = []
  const openRevocations = async (receivedBefore: number) => {
    asked.push(receivedBefore)
    return [
      revocation('hr:1', 'ad', 41 * SECOND),
      revocation('hr:2', 'ad', 42 * SECOND),
      revocation('hr:3', 'ad', 60 * SECOND, { proof: { grade: 'not-proven', text: 'nobody answers' } }),
      revocation('hr:4', 'wiki', 7 * SECOND),
    ]
  }
  expect(await told({ openRevocations })).toEqual([
    ['nearly-late:hr:2:ad', 'revocation-nearly-late', 'warn'],
    ['late:hr:3:ad', 'revocation-late', 'page'],
    ['not-proven:hr:3:ad', 'not-proven', 'page'],
    ['nearly-late:hr:4:wiki', 'revocation-nearly-late', 'warn'],
  ])
  // Of ten thousand that are on their way and not late yet, none is read.
  expect(asked).toEqual([now - 7 * SECOND])
})

test('of ten thousand that are late, some are named and the others counted', async () => {
  const openRevocations = async () =>
    Array.from({ length: 10_000 }, (_, index) => revocation(`hr:${index}`, 'ad', 2 * MINUTE))
  const notices = await present(keyturnWith({ openRevocations }))
  expect(notices).toHaveLength(201)
  expect(notices.at(-1)).toMatchObject({ key: 'late-others', text: expect.stringContaining('9800 more') })
})

test('each protected leaver is paged for, also the second one of the same hold', async () => {
  const open = { id: 7, lasting: 7, platform: 'ad', text: 'shut it by hand' }
  const item = (identity: string, status: string) => ({ identity, status, fingerprint: identity, summary: '' })
  const openHoldCounts = async () => [
    { ...open, why: 'protected', people: 2, leavers: 2, someone: 'hr:1' },
    { ...open, id: 8, lasting: 6, why: 'removals-limit', people: 400, leavers: 0, someone: 'hr:5' },
    { ...open, id: 9, lasting: 9, why: 'privileged', people: 1, leavers: 0, someone: 'hr:6' },
  ]
  const holds = async () => [{ ...open, items: [item('hr:1', 'open'), item('hr:2', 'open'), item('hr:3', 'done')] }]
  const notices = await present(keyturnWith({ openHoldCounts, holds }))
  expect(notices.map(({ key, severity, identity }) => [key, severity, identity])).toEqual([
    // It has got another number since it was told.
    ['hold:6', 'warn', null],
    ['hold:9', 'warn', 'hr:6'],
    ['protected-leaver:hr:1:ad', 'page', 'hr:1'],
    ['protected-leaver:hr:2:ad', 'page', 'hr:2'],
  ])
})

test('what is refused, down, given up or was open again is told', async () => {
  const facts: Fakes = {
    platformStates: async () => [
      { platform: 'ad', state: 'down', since: now - MINUTE, error, probeAt: null },
      { platform: 'wiki', state: 'up', since: now, error: null, probeAt: null },
    ],
    acceptedRead: async () => ({ at: now - 2 }),
    lastRefusal: async () => ({ at: now - 1, why: 'too short', hint: '' }),
    processes: async () => [
      { id: 'host:1', refusedConfig: 'line 3' },
      { id: 'host:2', refusedConfig: null },
    ],
    openCounts: async () => [
      { platform: 'ad', failed: 2 },
      { platform: 'wiki', failed: 0 },
    ],
    auditSince: async (action: string) =>
      action === 'reopened' ? [{ identity: 'hr:1', platform: 'ad', at: now, detail: 'by eve' }] : [],
  }
  expect(await told(facts)).toEqual([
    ['platform-down:ad', 'platform-down', 'warn'],
    ['feed-refused:hr', 'feed-refused', 'page'],
    ['config-refused:host:1', 'config-refused', 'warn'],
    ['failed:ad', 'change-failed', 'warn'],
    [`reopened:hr:1:ad:${now}`, 'reopened', 'page'],
  ])
})

test('a refused read that was followed by an accepted one is over', async () => {
  const acceptedRead = async () => ({ at: now })
  const lastRefusal = async () => ({ at: now - 1, why: 'too short', hint: '' })
  expect(await told({ acceptedRead, lastRefusal })).toEqual([])
})

test('rows that are set aside are one notice for each feed, told anew when they become more, with places and no texts', async () => {
  const first = [3, 9].map((line) => ({ place: { file: 'hr.csv', line }, path: 'Status' }))
  const tell = (rows: number, since: number) =>
    present(
      keyturnWith({ acceptedRead: async () => ({ at: now, setAside: { rows, since, first: first.slice(0, rows) } }) }),
    )
  expect(await tell(0, now)).toEqual([])
  const [one] = await tell(1, now)
  expect(one).toMatchObject({
    key: `rows-set-aside:hr:${now}`,
    kind: 'rows-set-aside',
    severity: 'page',
    identity: null,
  })
  expect(one?.text).toMatch(/^1 row of the feed hr is set aside: .*: hr.csv:3 Status$/)
  const many = await tell(12, now + 1)
  expect(many.map(({ key }) => key)).toEqual([`rows-set-aside:hr:${now + 1}`])
  expect(many[0]?.text).toMatch(/^12 rows of the feed hr are .*: hr.csv:3 Status, hr.csv:9 Status, and 10 more$/)
})

test('a hold that keeps access of people who left wakes somebody up, also where it was told as a warning before', async () => {
  const hold = {
    id: 3,
    lasting: 3,
    platform: 'ad',
    why: 'removals-limit',
    text: '25 of 60',
    people: 30,
    someone: 'hr:1',
  }
  const tell = (leavers: number) => present(keyturnWith({ openHoldCounts: async () => [{ ...hold, leavers }] }))
  const [before] = await tell(0)
  expect(before).toMatchObject({ key: 'hold:3', kind: 'withheld', severity: 'warn' })
  const [many] = await tell(25)
  expect(many).toMatchObject({ key: 'hold-leavers:3', kind: 'leavers-withheld', severity: 'page' })
  expect(many?.text).toBe(
    '25 people who left, or have no role for ad any more, still have access there. Hold 3 (removals-limit, 30 people): 25 of 60',
  )
  expect((await tell(1))[0]?.text).toMatch(
    /^1 person who left, or has no role for ad any more, still has access there\./,
  )
})

test('people who are not believed are named, the others counted', async () => {
  const first = Array.from({ length: 20 }, (_, at) => ({ identity: `hr:${at}`, held: 'vanished' }))
  const tell = (count: number) => present(keyturnWith({ heldPeople: async () => ({ count, first }) }))
  expect(await tell(20)).toHaveLength(20)
  const notices = await tell(23)
  expect(notices[0]).toMatchObject({ key: 'person-held:hr:0', kind: 'person-held', severity: 'warn', identity: 'hr:0' })
  expect(notices[0]?.text).toContain('vanished')
  expect(notices.slice(20)).toMatchObject([
    { key: 'person-held-others', text: expect.stringContaining('3 more people') },
  ])
})

test('who is hindered is told one by one and by id, the others as a number, and as a page where they are to be shut', async () => {
  const found = { platform: 'ad', why: 'no-name', keptOut: false, people: 7 }
  const first = Array.from({ length: 5 }, (_, at) => ({ identity: `hr:${at}`, text: 'No free name: ann.example' }))
  const asked: (readonly string[])[] = []
  const tell = (more: object) =>
    present(
      keyturnWith({
        hindrances: async (platforms: readonly string[]) => {
          asked.push(platforms)
          return [{ ...found, first, ...more }]
        },
      }),
    )
  const notices = await tell({})
  expect(notices).toHaveLength(6)
  expect(notices[0]).toEqual({
    key: 'hindered:ad:no-name:hr:0',
    kind: 'hindered',
    severity: 'warn',
    platform: 'ad',
    identity: 'hr:0',
    text: 'hr:0 is not as they should be on ad (no-name); "keyturn plan" says what is to be put right.',
  })
  expect(notices[5]).toMatchObject({
    key: 'hindered-others:ad:no-name',
    text: expect.stringMatching(/^2 more people are not/),
  })
  const [one] = await tell({ why: 'disputed', keptOut: true, people: 1, first: first.slice(0, 1) })
  expect(one).toMatchObject({ key: 'shutting-hindered:ad:disputed:hr:0', kind: 'shutting-hindered', severity: 'page' })
  expect(one?.text).toMatch(/^hr:0 is to be shut and may still have access on ad \(disputed\)/)
  // Where Keyturn only observes, nothing is expected of it.
  expect(asked[0]).toEqual(['ad'])
})
