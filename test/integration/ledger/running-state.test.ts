import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { text } from 'node:stream/consumers'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openLedger } from '../../../src/ledger/index.ts'
import type { Notice, PlatformState, ProcessState } from '../../../src/model/running.ts'
import * as s from './samples.ts'

const script = fileURLToPath(new URL('contender.ts', import.meta.url))
const day = 86_400_000

describe('a tick of a schedule', () => {
  test('is fired by the first who asks, and by nobody else', async () => {
    const ledger = await s.ledgerWith(0)
    const asked = await Promise.all([1, 2, 3].map(() => ledger.tick('hr', s.now, s.now)))
    expect(asked).toEqual([true, false, false])
    expect(await ledger.tick('crm', s.now, s.now)).toBe(true)
    expect(await ledger.tick('hr', s.now + 1, s.now + 1)).toBe(true)
  })

  test('is not fired again when the clock was set back, and not when it is older than what is remembered', async () => {
    const ledger = await s.ledgerWith(0)
    expect(await ledger.tick('hr', s.now, s.now)).toBe(true)
    expect(await ledger.tick('hr', s.now + day, s.now + day)).toBe(true)
    expect(await ledger.tick('hr', s.now, s.now - day)).toBe(false)
    expect(await ledger.tick('hr', s.now + 8 * day, s.now + 8 * day)).toBe(true)
    expect(await ledger.tick('hr', s.now, s.now + 8 * day)).toBe(false)
    expect(await ledger.tick('hr', s.now + day, s.now + 8 * day)).toBe(false)
  })

  test('fires late where nobody has fired it', async () => {
    const ledger = await s.ledgerWith(0)
    expect(await ledger.tick('hr', s.now, s.now + 3 * day)).toBe(true)
    expect(await ledger.tick('crm', s.now, s.now + 30 * day)).toBe(true)
    expect(await ledger.tick('crm', s.now, s.now + 31 * day)).toBe(false)
  })

  test('of a schedule that is slower than the memory is long is fired once', async () => {
    const ledger = await s.ledgerWith(0)
    expect(await ledger.tick('monthly', s.now, s.now)).toBe(true)
    for (const after of [1, 8, 20]) expect(await ledger.tick('monthly', s.now, s.now + after * day)).toBe(false)
    expect(await ledger.tick('other', s.now + 20 * day, s.now + 20 * day)).toBe(true)
    expect(await ledger.tick('monthly', s.now, s.now + 21 * day)).toBe(false)
    expect(await ledger.tick('monthly', s.now + 30 * day, s.now + 30 * day)).toBe(true)
    expect(await ledger.tick('monthly', s.now, s.now + 31 * day)).toBe(false)
  })
})

describe('platforms', () => {
  test('are remembered as they were last seen', async () => {
    const ledger = await s.ledgerWith(0)
    const error = { code: 'platform-unreachable', message: 'connect ECONNREFUSED' } as const
    const down: PlatformState = { platform: 'wiki', state: 'down', since: s.now, error, probeAt: s.now + 9 }
    const up: PlatformState = { platform: 'corp-ad', state: 'up', since: s.now - 5, error: null, probeAt: null }
    expect(await ledger.platformStates()).toEqual([])
    await ledger.savePlatformState(down)
    await ledger.savePlatformState(up)
    expect(await ledger.platformStates()).toEqual([up, down])
    await ledger.savePlatformState({ ...up, platform: 'wiki' })
    expect(await ledger.platformStates()).toEqual([up, { ...up, platform: 'wiki' }])
  })
})

describe('processes', () => {
  const process: ProcessState = {
    id: 'host:1',
    roles: ['intake', 'workers'],
    startedAt: s.now,
    seenAt: s.now,
    policyVersion: 'policy-1',
    refusedConfig: null,
  }

  test('are listed while they say something, as they said it last, until they end', async () => {
    const ledger = await s.ledgerWith(0)
    const other = { ...process, id: 'host:2', startedAt: s.now + 1, seenAt: s.now + 50, refusedConfig: 'line 3' }
    await ledger.saveProcess(other)
    await ledger.saveProcess(process)
    expect(await ledger.processes(s.now)).toEqual([process, other])
    expect(await ledger.processes(s.now + 1)).toEqual([other])
    const alive = { ...process, seenAt: s.now + 60, policyVersion: 'policy-2' }
    await ledger.saveProcess(alive)
    expect(await ledger.processes(s.now + 1)).toEqual([alive, other])
    await ledger.endProcess('host:2')
    expect(await ledger.processes(0)).toEqual([alive])
  })

  test('that were killed are forgotten after a day', async () => {
    const ledger = await s.ledgerWith(0)
    await ledger.saveProcess(process)
    const later = { ...process, id: 'host:2', seenAt: s.now + day }
    await ledger.saveProcess(later)
    expect(await ledger.processes(0)).toHaveLength(2)
    await ledger.saveProcess({ ...later, seenAt: s.now + day + 1 })
    expect((await ledger.processes(0)).map(({ id }) => id)).toEqual(['host:2'])
  })
})

describe('notices', () => {
  const notice = (key: string): Notice => ({
    key,
    kind: 'platform-down',
    severity: 'page',
    text: `${key} does not answer`,
    platform: 'corp-ad',
    // Nobody whom the ledger knows.
    identity: 'hr:p77',
  })
  const [one, two, three] = [notice('one'), { ...notice('two'), platform: null, identity: null }, notice('three')]

  test('begin once and end once, and tell since when', async () => {
    const ledger = await s.ledgerWith(0)
    expect(await ledger.noticed([two, one, two], s.now)).toEqual({
      begun: [
        { ...two, since: s.now },
        { ...one, since: s.now },
      ],
      over: [],
    })
    expect(await ledger.noticed([one, two], s.now + 1)).toEqual({ begun: [], over: [] })
    expect(await ledger.noticed([one, three], s.now + 2)).toEqual({
      begun: [{ ...three, since: s.now + 2 }],
      over: [{ ...two, since: s.now }],
    })
    const { over } = await ledger.noticed([], s.now + 3)
    expect(over).toEqual([
      { ...one, since: s.now },
      { ...three, since: s.now + 2 },
    ])
    expect(await ledger.noticed([], s.now + 4)).toEqual({ begun: [], over: [] })
  })

  test('are told anew where a refused configuration has another reason, and end with that', async () => {
    const ledger = await s.ledgerWith(0)
    const refused = (text: string): Notice => ({ ...one, kind: 'config-refused', text })
    await ledger.noticed([refused('first')], s.now)
    expect(await ledger.noticed([refused('second')], s.now + 1)).toEqual({
      begun: [{ ...refused('second'), since: s.now }],
      over: [],
    })
    expect(await ledger.noticed([refused('second')], s.now + 2)).toEqual({ begun: [], over: [] })
    expect((await ledger.noticed([], s.now + 3)).over).toMatchObject([{ text: 'second' }])
    await ledger.noticed([one], s.now)
    expect(await ledger.noticed([{ ...one, text: 'for 2 s now' }], s.now + 1)).toEqual({ begun: [], over: [] })
  })

  test('begin anew when they come back', async () => {
    const ledger = await s.ledgerWith(0)
    await ledger.noticed([one], s.now)
    await ledger.noticed([], s.now + 1)
    expect(await ledger.noticed([one], s.now + 2)).toEqual({ begun: [{ ...one, since: s.now + 2 }], over: [] })
  })

  test('are many at once, and still told once each', async () => {
    const ledger = await s.ledgerWith(0)
    const many = Array.from({ length: 3_000 }, (_, n) => notice(`n${n}`))
    expect((await ledger.noticed(many, s.now)).begun).toHaveLength(3_000)
    expect((await ledger.noticed(many.slice(1_000), s.now)).over).toHaveLength(1_000)
    expect((await ledger.noticed([], s.now)).over).toHaveLength(2_000)
  })
})

test('of four processes at once each tick is fired by one, each notice is told by one, and each operator has one standing word', async () => {
  const { url } = await s.temporaryLedger()
  {
    await using ledger = await openLedger(url)
    await ledger.saveIntake(s.intake(s.people(1)), 'c')
  }
  const outputs = await Promise.all(
    ['a', 'b', 'c', 'd'].map(async (name) => {
      const child = spawn(process.execPath, [script, url, name], { stdio: ['ignore', 'pipe', 'pipe'] })
      onTestFinished(() => void child.kill('SIGKILL'))
      const [said, complained] = await Promise.all([text(child.stdout), text(child.stderr)])
      return { said, complained }
    }),
  )
  expect(outputs.map(({ complained }) => complained)).toEqual(['', '', '', ''])
  const lines = outputs.flatMap(({ said }) => said.trim().split('\n'))
  const numbers = Array.from({ length: 40 }, (_, n) => n)
  expect(lines.filter((line) => line.startsWith('fired')).toSorted()).toEqual(
    numbers.map((n) => `fired ${n}`).toSorted(),
  )
  const begun = lines.filter((line) => line.startsWith('begun')).toSorted()
  const over = lines.filter((line) => line.startsWith('over')).toSorted()
  expect(begun.length).toBeGreaterThan(0)

  await using ledger = await openLedger(url)
  // Every beginning has its end, told once, except for what still lasts.
  const last = (await ledger.noticed([], s.now)).over.map(({ text: said }) => `over ${said}`)
  expect([...over, ...last].toSorted()).toEqual(begun.map((line) => line.replace('begun', 'over')))
  expect(new Set(begun).size).toBe(begun.length)
  expect(await ledger.overrides(s.now)).toHaveLength(1)
  expect(await ledger.overridesOf('hr:p1')).toHaveLength(40)
})
