import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { type ErrorCode, KeyturnError } from '../../../src/model/errors.ts'
import { MINUTE, SECOND } from '../../../src/model/instant.ts'
import type { PlatformState } from '../../../src/model/running.ts'
import { openHealth } from '../../../src/queue/health.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const quiet = () => undefined
const logger = { debug: quiet, info: quiet, change: quiet, warn: quiet, error: quiet }
const idle = 25 * SECOND

/** A platform on which nobody works, unless the test says so. `trouble`: what a probe meets from now on. */
function platform({ watched = true, stored = [] }: { watched?: boolean; stored?: readonly PlatformState[] } = {}) {
  const states: PlatformState[] = []
  const probes: number[] = []
  const world: { trouble: ErrorCode | 'hangs' | null } = { trouble: null }
  const health = openHealth({
    platform: 'corp',
    triesAtOnce: 4,
    clock: Date.now,
    logger,
    stored,
    ...(watched ? { idle } : {}),
    turned: quiet,
    onState: (state) => void states.push(state),
    onUp: async () => undefined,
    async probe() {
      probes.push(performance.now())
      if (world.trouble === 'hangs') await new Promise(() => undefined)
      else if (world.trouble !== null) throw new KeyturnError(world.trouble, 'invented')
    },
  })
  const close = async () => health[Symbol.asyncDispose]()
  onTestFinished(close)
  const told = () => states.map(({ state }) => state)
  return { health, states, probes, world, close, told, pass: (ms: number) => vi.advanceTimersByTimeAsync(ms) }
}

test('an idle platform is probed every 20 to 25 seconds, and nothing is told while it answers', async () => {
  const { probes, states, pass } = platform()
  await pass(5 * MINUTE)
  expect(probes.length).toBeGreaterThanOrEqual(12)
  expect(probes.length).toBeLessThanOrEqual(15)
  const gaps = probes.slice(1).map((at, index) => at - (probes[index] ?? 0))
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(20 * SECOND)
  expect(states).toEqual([])
})

test.each(['platform-unreachable', 'platform-sign-in-refused', 'secret-unavailable', 'hangs'] as const)(
  'an idle platform is down within a minute (%s), and up again when it answers',
  async (trouble) => {
    const { world, states, told, pass, health } = platform()
    await pass(MINUTE)
    world.trouble = trouble
    await pass(MINUTE)
    expect(states[0]).toMatchObject({ platform: 'corp', state: 'down' })
    expect(health.isDown()).toBe(true)
    world.trouble = null
    await pass(45 * SECOND)
    expect(told().at(-1)).toBe('up')
    expect(told().filter((state) => state === 'up')).toHaveLength(1)
    world.trouble = trouble
    await pass(MINUTE)
    expect(told().at(-1)).toBe('down')
  },
)

test('one probe that fails is confirmed, and forgotten when the next is answered', async () => {
  const { world, states, probes, pass } = platform()
  world.trouble = 'platform-unreachable'
  while (probes.length === 0) await pass(SECOND / 10)
  world.trouble = null
  await pass(SECOND)
  expect(probes).toHaveLength(2)
  await pass(5 * MINUTE)
  expect(states).toEqual([])
})

test('trouble that is no outage for work is none for a probe either', async () => {
  const { world, states, probes, pass } = platform()
  world.trouble = 'object-missing'
  await pass(5 * MINUTE)
  expect(states).toEqual([])
  expect(probes.length).toBeLessThanOrEqual(15)
})

test('a platform that answers work is not probed, and where nobody asked for it no platform is', async () => {
  const busy = platform()
  const other = platform({ watched: false })
  for (let second = 0; second < 120; second += 10) {
    busy.health.tell('fine', busy.health.ticks())
    await busy.pass(10 * SECOND)
  }
  expect(busy.probes).toEqual([])
  await busy.pass(MINUTE)
  expect(busy.probes.length).toBeGreaterThan(1)
  expect(other.probes).toEqual([])
})

test('what another process told of an idle platform counts, and after the end no probe comes', async () => {
  const stored = [{ platform: 'corp', state: 'down', since: 0, error: null, probeAt: 0 }] as const
  const { probes, told, pass, close, health } = platform({ stored })
  await pass(0)
  expect([probes.length, told()]).toEqual([1, ['up']])
  await pass(MINUTE)
  expect(probes.length).toBeGreaterThanOrEqual(3)
  health.told({ platform: 'corp', state: 'down', since: 1, error: null, probeAt: null })
  health.told({ platform: 'corp', state: 'up', since: 2, error: null, probeAt: null })
  const before = probes.length
  await pass(19 * SECOND)
  expect(probes).toHaveLength(before)
  await close()
  await pass(5 * MINUTE)
  expect(probes).toHaveLength(before)
})
