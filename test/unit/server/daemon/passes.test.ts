import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { MINUTE, SECOND } from '../../../../src/model/instant.ts'
import type { FromPass, PassReport, ToChild } from '../../../../src/server/daemon/children.ts'
import { Passes } from '../../../../src/server/daemon/passes.ts'

const quiet = () => undefined
const logger = { debug: quiet, info: quiet, change: quiet, warn: quiet, error: quiet }
const done: PassReport = { again: false, upTo: 0, admitted: 0, withheld: 0, unread: [], silent: [] }

/** Passes that end when the test says so, or whose processes do (null). */
function desk({
  unread = [],
  reads,
}: {
  readonly unread?: readonly string[]
  readonly reads?: Pick<Passes, 'request'>
} = {}) {
  const begun: Extract<ToChild, { say: 'begin' }>[] = []
  const ends: ((report: PassReport | null) => void)[] = []
  const told: (number | null)[] = []
  const read: (readonly string[])[] = []
  const unreadAtEnd: (readonly string[])[] = []
  let saying: (message: FromPass) => void = quiet
  const stopped: number[] = []
  let started = 0
  let running = 0
  let most = 0
  const start = (hear: (message: FromPass) => void) => {
    started += 1
    const pid = started
    const { promise, resolve } = Promise.withResolvers<number | string>()
    saying = hear
    const begin = (message: Extract<ToChild, { say: 'begin' }>) => {
      begun.push(message)
      running += 1
      most = Math.max(most, running)
      ends.push((report) => {
        running -= 1
        if (report === null) resolve('SIGKILL')
        else hear({ say: 'passed', report })
      })
    }
    return {
      task: 'pass' as const,
      pid,
      tell: (message: ToChild) => void (message.say === 'begin' && begin(message)),
      stop: async () => {
        stopped.push(pid)
        resolve(0)
      },
      ended: promise,
    }
  }
  const keyturn = { settings: {} as never, logger, clock: () => 7 }
  const passes = new Passes(
    keyturn,
    {
      work: 'plan',
      unread,
      ...(reads === undefined ? {} : { reads }),
      down: () => new Set(['wiki']),
      onRead: (sources) => void read.push(sources),
      onAdmitted: quiet,
      onPassed(report, sources) {
        told.push(report?.upTo ?? null)
        unreadAtEnd.push(sources)
      },
    },
    start,
  )
  onTestFinished(() => passes[Symbol.asyncDispose]())
  const end = async (report: Partial<PassReport> | null) => {
    ends.at(-1)?.(report === null ? null : { ...done, ...report })
    await vi.advanceTimersByTimeAsync(0)
  }
  const says = (message: FromPass) => saying(message)
  return { passes, begun, told, read, unreadAtEnd, end, says, most: () => most, stopped, started: () => started }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('the first pass reads every feed, whoever asks for it: nobody is planned by an old word', async () => {
  const { passes, begun, end } = desk({ unread: ['hr', 'crm'] })
  passes.look(3)
  expect(begun.map(({ sources }) => sources)).toEqual([{ hr: 7, crm: 7 }])
  await end({ upTo: 3 })
  passes.look(4)
  expect(begun.at(-1)?.sources).toEqual({})
})

test('one pass runs at a time, and all who ask meanwhile get one more together, with all their feeds', async () => {
  const { passes, begun, end, most } = desk()
  passes.request(['hr'], 3)
  passes.request(['crm'], 4)
  passes.request(['crm'], 5)
  passes.request()
  expect(begun.map(({ sources }) => sources)).toEqual([{ hr: 3 }])
  await end({})
  expect(begun.map(({ sources }) => sources)).toEqual([{ hr: 3 }, { crm: 4 }])
  await end({})
  expect([begun.length, most()]).toEqual([2, 1])
})

test('a feed that is to be read while a pass is under way is read by others at once; a pass that plans all waits for nobody', async () => {
  const asked: unknown[] = []
  const { passes, begun, end } = desk({
    reads: { request: (sources, noticedAt) => void asked.push([sources, noticedAt]) },
  })
  passes.read('hr', 3)
  passes.read('hr', 5)
  passes.request()
  expect([begun.map(({ sources }) => sources), asked]).toEqual([[{ hr: 3 }], [[['hr'], 5]]])
  await end({})
  expect(begun.map(({ sources }) => sources)).toEqual([{ hr: 3 }, {}])
  await end({})
  passes.read('hr', 9)
  expect([begun.at(-1)?.sources, asked]).toEqual([{ hr: 9 }, [[['hr'], 5]]])
})

test('what is read is told before the pass is over, and not read again when its process dies afterwards', async () => {
  const { passes, begun, read, unreadAtEnd, says, end } = desk()
  passes.request(['hr'], 3)
  says({ say: 'read', read: { hr: 'a digest' } })
  expect(read).toEqual([['hr']])
  await end(null)
  expect(unreadAtEnd).toEqual([[]])
  await vi.advanceTimersByTimeAsync(SECOND)
  expect(begun.map(({ sources }) => sources)).toEqual([{ hr: 3 }, {}])
})

test('a pass is told which platforms do not answer', () => {
  const { passes, begun } = desk()
  passes.request()
  expect(begun[0]?.down).toEqual(['wiki'])
})

test('a pass that has looked at a mark is the one that was asked for; else there is another one', async () => {
  const { passes, begun, end } = desk()
  passes.look(5)
  passes.look(7)
  await end({ upTo: 7 })
  expect(begun).toHaveLength(1)
  passes.look(9)
  passes.look(12)
  await end({ upTo: 9 })
  expect(begun).toHaveLength(3)
})

test('a pass that found nobody marked says nothing about the marks that come later', async () => {
  const { passes, begun, end } = desk()
  passes.look(5)
  await end({ upTo: null })
  expect(begun).toHaveLength(1)
  passes.look(9)
  passes.look(12)
  await end({ upTo: 9 })
  expect(begun).toHaveLength(3)
})

test('a mark that came during a pass which could not see everything does not wait for the next try', async () => {
  const { passes, begun, end } = desk()
  passes.look(5)
  passes.look(8)
  await end({ upTo: 5, again: true, unread: ['ad'] })
  expect(begun).toHaveLength(2)
  await end({ upTo: 8, again: true, unread: ['ad'] })
  expect(begun).toHaveLength(2)
})

test('what a pass leaves open is tried again in growing intervals, and never at once', async () => {
  const { passes, begun, end } = desk()
  passes.look(200_000)
  const waits: number[] = []
  for (let tries = 0; tries < 12; tries++) {
    await end({ upTo: 100_000, again: true })
    // The first of them gets on; later ones look at the same marks.
    if (tries === 0) await end({ upTo: 100_000, again: true })
    const before = begun.length
    let waited = 0
    while (begun.length === before && waited <= 10 * MINUTE) {
      await vi.advanceTimersByTimeAsync(SECOND)
      waited += SECOND
    }
    waits.push(waited)
  }
  expect(waits.every((wait) => wait >= SECOND && wait <= MINUTE)).toBe(true)
  expect(waits.at(-1)).toBe(MINUTE)
})

test('a process that died is begun again with its feeds after a pause, however many ask meanwhile', async () => {
  const { passes, begun, told, end } = desk()
  passes.request(['hr'], 3)
  passes.look(4)
  await end(null)
  passes.look(5)
  passes.request()
  expect([begun.length, told]).toEqual([1, [null]])
  await vi.advanceTimersByTimeAsync(SECOND)
  expect(begun.map(({ sources }) => sources)).toEqual([{ hr: 3 }, { hr: 3 }])
  await end({ upTo: 5 })
  expect(begun).toHaveLength(2)
})

test('a process waits five seconds for the next pass, then it is stopped; who asks later gets another one', async () => {
  const { passes, end, stopped, started } = desk()
  passes.request()
  await end({})
  await vi.advanceTimersByTimeAsync(4 * SECOND)
  passes.request()
  await vi.advanceTimersByTimeAsync(MINUTE)
  expect([started(), stopped]).toEqual([1, []])
  await end({})
  await vi.advanceTimersByTimeAsync(4 * SECOND)
  expect(stopped).toEqual([])
  await vi.advanceTimersByTimeAsync(SECOND)
  expect(stopped).toEqual([1])
  passes.request()
  expect(started()).toBe(2)
})

test('a process that died while it waited is no pass that died: the next one begins at once', async () => {
  const { passes, begun, told, end, started } = desk()
  passes.request()
  await end({})
  await end(null)
  passes.request()
  expect([begun.length, started(), told]).toEqual([2, 2, [0]])
})

test('nothing is begun after the end', async () => {
  const { passes, begun, end } = desk()
  passes.request()
  await end(null)
  await passes[Symbol.asyncDispose]()
  passes.request()
  await vi.advanceTimersByTimeAsync(MINUTE)
  expect(begun).toHaveLength(1)
})

test('how long a process that died is waited for does not depend on passes that could not see everybody', async () => {
  const { passes, begun, end } = desk()
  passes.request()
  for (let pass = 0; pass < 6; pass++) {
    await end({ again: true })
    await vi.advanceTimersByTimeAsync(60_000)
  }
  const before = begun.length
  await end(null)
  await vi.advanceTimersByTimeAsync(200)
  expect(begun.length).toBe(before + 1)
})
