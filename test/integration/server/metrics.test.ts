import { describe, expect, test } from 'vitest'
import type { RevocationTiming } from '../../../src/model/running.ts'
import { openMetrics } from '../../../src/server/metrics.ts'
import type { MetricsInput } from '../../../src/server/metrics.ts'
import { readExposition } from './exposition.ts'
import type { Family } from './exposition.ts'

const noon = Date.UTC(2026, 10, 22, 12)

const quiet: MetricsInput = {
  policyVersion: 'p1',
  platforms: [
    { platform: 'corp-ad', state: 'up', objective: 60_000 },
    { platform: 'wiki', state: 'down', objective: 30_000 },
  ],
  counts: [{ platform: 'corp-ad', lane: 'revoke', owed: 3, failed: 0, waiting: 1, oldest: noon - 4_000 }],
  feeds: [
    { source: 'hr', acceptedAt: noon - 60_000, refused: false },
    { source: 'agency', acceptedAt: null, refused: true },
  ],
  holds: [{ why: 'removals-limit', count: 2 }],
  hindered: [
    { platform: 'wiki', why: 'disputed', people: 2 },
    { platform: 'wiki', why: 'disputed', people: 3 },
  ],
  late: 1,
  notProven: 0,
  configRefused: false,
}

function open(read: () => Promise<MetricsInput> = async () => quiet) {
  return openMetrics({ version: '0.1.0', clock: () => noon, read })
}

function timing(seconds: number, changes: Partial<RevocationTiming> = {}): RevocationTiming {
  const admittedAt = noon - seconds * 1_000
  const [receivedAt, effectiveAt] = [admittedAt - 1_000, admittedAt - 3_600_000]
  const pointer = { identity: 'hr:1', platform: 'corp-ad', lane: 'revoke' as const }
  return { id: 1, ...pointer, effectiveAt, receivedAt, admittedAt, provenAt: noon, grade: 'refused', ...changes }
}

/** The value of the one sample with exactly these labels. */
function value(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Record<string, string> = {},
): number | null {
  const samples = [...families.values()].flatMap((family) => family.samples)
  const found = samples.filter(
    (one) => one.name === name && Object.entries(labels).every(([key, is]) => one.labels[key] === is),
  )
  expect(found.length).toBeLessThanOrEqual(1)
  return found[0]?.value ?? null
}

describe('the metrics', () => {
  test('are in the format that Prometheus reads', async () => {
    const metrics = open()
    metrics.observeRevocations([timing(0.2), timing(4), timing(5_000)])
    metrics.countChanges('corp-ad', 'disable', 'done', 2)
    const families = readExposition(await metrics.text())
    expect(families.get('keyturn_revocation_seconds')?.type).toBe('histogram')
    expect(families.get('keyturn_changes_total')?.type).toBe('counter')
    expect(families.get('keyturn_obligations')?.type).toBe('gauge')
    expect(value(families, 'keyturn_changes_total', { platform: 'corp-ad', kind: 'disable', result: 'done' })).toBe(2)
    expect(value(families, 'process_resident_memory_bytes')).toBeGreaterThan(1_000_000)
  })

  test('say how things stand', async () => {
    const families = readExposition(await open().text())
    expect(value(families, 'keyturn_obligations', { platform: 'corp-ad', lane: 'revoke', state: 'owed' })).toBe(3)
    expect(value(families, 'keyturn_obligations', { platform: 'corp-ad', lane: 'revoke', state: 'waiting' })).toBe(1)
    expect(value(families, 'keyturn_oldest_obligation_seconds', { platform: 'corp-ad', lane: 'revoke' })).toBe(4)
    expect(value(families, 'keyturn_platform_up', { platform: 'corp-ad' })).toBe(1)
    expect(value(families, 'keyturn_platform_up', { platform: 'wiki' })).toBe(0)
    expect(value(families, 'keyturn_revocation_objective_seconds', { platform: 'wiki' })).toBe(30)
    expect(value(families, 'keyturn_feed_last_accepted_timestamp_seconds', { source: 'hr' })).toBe(noon / 1_000 - 60)
    expect(value(families, 'keyturn_feed_refused', { source: 'agency' })).toBe(1)
    expect(value(families, 'keyturn_feed_refused', { source: 'hr' })).toBe(0)
    expect(value(families, 'keyturn_holds', { why: 'removals-limit' })).toBe(2)
    expect(value(families, 'keyturn_hindered_people', { platform: 'wiki', why: 'disputed' })).toBe(5)
    expect(value(families, 'keyturn_revocations_late')).toBe(1)
    expect(value(families, 'keyturn_revocations_not_proven')).toBe(0)
    expect(value(families, 'keyturn_config_refused')).toBe(0)
    expect(value(families, 'keyturn_build_info', { version: '0.1.0', policy_version: 'p1' })).toBe(1)
  })

  test('say 0 of a lane in which nothing is owed, and nothing of a feed that was never accepted', async () => {
    const families = readExposition(await open().text())
    expect(value(families, 'keyturn_obligations', { platform: 'wiki', lane: 'change', state: 'owed' })).toBe(0)
    expect(value(families, 'keyturn_oldest_obligation_seconds', { platform: 'wiki', lane: 'revoke' })).toBe(0)
    expect(value(families, 'keyturn_feed_last_accepted_timestamp_seconds', { source: 'agency' })).toBeNull()
  })

  test('forget what is no longer so', async () => {
    let input = quiet
    const metrics = open(async () => input)
    await metrics.text()
    input = { ...quiet, policyVersion: 'p2', holds: [], counts: [] }
    const families = readExposition(await metrics.text())
    expect(value(families, 'keyturn_holds', { why: 'removals-limit' })).toBeNull()
    expect(value(families, 'keyturn_build_info')).toBe(1)
    expect(value(families, 'keyturn_obligations', { platform: 'corp-ad', lane: 'revoke', state: 'owed' })).toBe(0)
  })

  test('measure a revocation from three starting points', async () => {
    const metrics = open()
    metrics.observeRevocations([timing(0.2)])
    const families = readExposition(await metrics.text())
    const sum = (from: string) => value(families, 'keyturn_revocation_seconds_sum', { platform: 'corp-ad', from })
    expect(sum('admitted')).toBeCloseTo(0.2)
    expect(sum('received')).toBeCloseTo(1.2)
    expect(sum('effective')).toBeCloseTo(3_600.2)
    expect(value(families, 'keyturn_revocation_seconds_bucket', { from: 'admitted', le: '0.1' })).toBe(0)
    expect(value(families, 'keyturn_revocation_seconds_bucket', { from: 'admitted', le: '0.25' })).toBe(1)
  })

  test('leave out what was not proven and what has no effective date, and count an early one as no time', async () => {
    const metrics = open()
    metrics.observeRevocations([
      timing(9, { grade: 'not-proven' }),
      timing(1, { effectiveAt: null }),
      timing(1, { effectiveAt: noon + 60_000 }),
    ])
    const families = readExposition(await metrics.text())
    expect(value(families, 'keyturn_revocation_seconds_count', { from: 'received' })).toBe(2)
    expect(value(families, 'keyturn_revocation_seconds_count', { from: 'effective' })).toBe(1)
    expect(value(families, 'keyturn_revocation_seconds_sum', { from: 'effective' })).toBe(0)
  })

  test('say of themselves that the ledger cannot be read, and nothing that may be wrong', async () => {
    let isBroken = false
    const metrics = open(async () => (isBroken ? Promise.reject(new Error('disk full')) : quiet))
    await metrics.text()
    isBroken = true
    const families = readExposition(await metrics.text())
    expect(value(families, 'keyturn_ledger_readable')).toBe(0)
    expect(families.get('keyturn_platform_up')?.samples).toEqual([])
    expect(families.get('keyturn_obligations')?.samples).toEqual([])
    expect(families.get('process_cpu_seconds_total')?.samples).toHaveLength(1)
    isBroken = false
    expect(value(readExposition(await metrics.text()), 'keyturn_ledger_readable')).toBe(1)
  })

  test('are whole when two ask at once, and the ledger is asked once', async () => {
    let looks = 0
    const metrics = open(async () => {
      looks += 1
      return quiet
    })
    const [one, other] = await Promise.all([metrics.text(), metrics.text()])
    expect(one).toBe(other)
    expect(looks).toBe(1)
  })

  test('keep their line whatever a platform or a policy is called', async () => {
    const platforms = [{ platform: 'a"b\\c\nd', state: 'up' as const, objective: 1 }]
    const families = readExposition(await open(async () => ({ ...quiet, platforms })).text())
    expect(value(families, 'keyturn_platform_up')).toBe(1)
  })
})

test.each([
  ['no line end', '# HELP a b\n# TYPE a gauge\na 1'],
  ['no help', '# TYPE a gauge\na 1\n'],
  ['a sample outside its family', '# HELP a b\n# TYPE a gauge\nb 1\n'],
  ['a counter without _total', '# HELP keyturn_a b\n# TYPE keyturn_a counter\nkeyturn_a 1\n'],
  ['the same sample twice', '# HELP a b\n# TYPE a gauge\na{x="1"} 1\na{x="1"} 2\n'],
  ['a label without its end', '# HELP a b\n# TYPE a gauge\na{x="1} 1\n'],
  ['no number', '# HELP a b\n# TYPE a gauge\na one\n'],
  [
    'buckets that count down',
    '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
  ],
])('the reader of these tests refuses %s', (_what, text) => {
  expect(() => readExposition(text)).toThrow()
})
