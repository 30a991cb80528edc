// Neither Prometheus nor Grafana runs here: expressions are read by Prometheus' own grammar, and every metric and label in
// them must be one that Keyturn gives.
import { parser } from '@prometheus-io/lezer-promql'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { openMetrics } from '../../../src/server/metrics.ts'
import { readExposition } from '../server/exposition.ts'
import { textOf } from './files.ts'

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string }
}

interface Panel {
  readonly id: number
  readonly title: string
  readonly description: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[]
}

interface Used {
  readonly metrics: readonly string[]
  readonly labels: readonly string[]
  readonly mistakes: number
}

/** What an expression speaks of. Grafana's variables stand for durations. */
function used(expression: string): Used {
  const text = expression.replaceAll('$__rate_interval', '5m')
  const found: { metrics: string[]; labels: string[]; mistakes: number } = { metrics: [], labels: [], mistakes: 0 }
  parser.parse(text).iterate({
    enter: (node) => {
      if (node.type.isError) found.mistakes += 1
      if (node.name === 'Identifier') found.metrics.push(text.slice(node.from, node.to))
      if (node.name === 'LabelName') found.labels.push(text.slice(node.from, node.to))
    },
  })
  return found
}

/** Names of samples, and labels that samples can have, of a daemon that has seen everything. */
async function given(): Promise<{ metrics: ReadonlySet<string>; labels: ReadonlySet<string> }> {
  const lane = { platform: 'corp-ad', lane: 'revoke' as const, owed: 1, failed: 0, waiting: 0, oldest: 0 }
  const metrics = openMetrics({
    version: '0.1.0',
    clock: () => 1_000,
    read: async () => ({
      policyVersion: 'p1',
      platforms: [{ platform: 'corp-ad', state: 'up', objective: 60_000 }],
      counts: [lane],
      feeds: [{ source: 'hr', acceptedAt: 0, refused: false }],
      holds: [{ why: 'privileged', count: 1 }],
      hindered: [{ platform: 'corp-ad', why: 'no-name', people: 1 }],
      late: 0,
      notProven: 0,
      configRefused: false,
    }),
  })
  const pointer = { id: 1, identity: 'hr:1', platform: 'corp-ad', lane: 'revoke' as const, grade: 'refused' as const }
  metrics.observeRevocations([{ ...pointer, effectiveAt: 0, receivedAt: 0, admittedAt: 0, provenAt: 100 }])
  metrics.countChanges('corp-ad', 'disable', 'done')
  const samples = [...readExposition(await metrics.text()).values()].flatMap((family) => family.samples)
  return {
    metrics: new Set(samples.map(({ name }) => name)),
    // Prometheus adds these two to everything that it scrapes.
    labels: new Set(['job', 'instance', ...samples.flatMap((sample) => Object.keys(sample.labels))]),
  }
}

async function expectKnown(expressions: readonly string[]): Promise<void> {
  const known = await given()
  for (const expression of expressions) {
    const { metrics, labels, mistakes } = used(expression)
    const unknown = [
      ...metrics.filter((one) => !known.metrics.has(one)),
      ...labels.filter((one) => !known.labels.has(one)),
    ]
    expect({ expression, mistakes, unknown }).toEqual({ expression, mistakes: 0, unknown: [] })
  }
}

const alerts = async (): Promise<readonly Alert[]> => {
  const file = parse(await textOf('deploy/prometheus/alerts.yaml')) as {
    groups: readonly { rules: readonly Alert[] }[]
  }
  return file.groups.flatMap(({ rules }) => rules)
}

const panels = async (): Promise<readonly Panel[]> =>
  (JSON.parse(await textOf('deploy/grafana/keyturn.json')) as { panels: readonly Panel[] }).panels

describe('the alerts', () => {
  test('are expressions of Prometheus over metrics and labels that Keyturn gives', async () => {
    await expectKnown((await alerts()).map(({ expr }) => expr))
  })

  test('cover what must wake somebody up, and what must be seen', async () => {
    const covered = (await alerts()).flatMap(({ expr }) => used(expr).metrics)
    expect(covered).toEqual(
      expect.arrayContaining([
        'keyturn_revocations_late',
        'keyturn_oldest_obligation_seconds',
        'keyturn_revocation_seconds_bucket',
        'keyturn_revocations_not_proven',
        'keyturn_feed_refused',
        'keyturn_feed_last_accepted_timestamp_seconds',
        'keyturn_platform_up',
        'keyturn_config_refused',
        'keyturn_holds',
        'keyturn_hindered_people',
        'keyturn_ledger_readable',
      ]),
    )
  })

  test('have a name of their own, a severity, and say what to do', async () => {
    const all = await alerts()
    expect(new Set(all.map(({ alert }) => alert)).size).toBe(all.length)
    for (const alert of all) {
      expect(
        Object.keys(alert).filter((key) => !['alert', 'expr', 'for', 'labels', 'annotations'].includes(key)),
      ).toEqual([])
      expect(alert.alert).toMatch(/^Keyturn[A-Z]\w+$/)
      expect(alert.labels.severity).toMatch(/^(?:page|warn)$/)
      expect(alert.for ?? '0s').toMatch(/^\d+[smh]$/)
      expect(alert.annotations.summary).toMatch(/\.$/)
      expect(alert.annotations.description).toMatch(/\.$|\?$/)
    }
  })

  test('speak in their words of labels that their expression keeps', async () => {
    for (const { alert, expr, annotations } of await alerts()) {
      const named = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label)
      expect([alert, used(expr).labels]).toEqual([alert, expect.arrayContaining(named)])
    }
  })
})

describe('the dashboard', () => {
  test('asks for metrics and labels that Keyturn gives', async () => {
    await expectKnown((await panels()).flatMap(({ targets }) => targets.map(({ expr }) => expr)))
  })

  test('has panels of different ids that say what they show and do not lie on each other', async () => {
    const all = await panels()
    expect(all.length).toBeGreaterThan(10)
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
    const cells = all.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)}:${y + Math.floor(cell / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    for (const { description, gridPos } of all) {
      expect(description).not.toBe('')
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
    }
  })
})

test('a misspelt metric, a misspelt label and half an expression would be found', async () => {
  await expect(expectKnown(['keyturn_plattform_up'])).rejects.toThrow()
  await expect(expectKnown(['keyturn_platform_up{plattform="x"}'])).rejects.toThrow()
  await expect(expectKnown(['keyturn_platform_up =='])).rejects.toThrow()
})

test('docs/operation.md has every metric of our own and every alert, and no other', async () => {
  const text = await textOf('docs/operation.md')
  const families = [...(await given()).metrics].map((name) => name.replace(/_(?:bucket|sum|count)$/, ''))
  const own = new Set(families.filter((name) => name.startsWith('keyturn_')))
  expect(new Set(text.match(/\bkeyturn_[a-z_]+\b/g))).toEqual(own)
  const names = (await alerts()).map(({ alert }) => alert)
  expect(new Set(text.match(/\bKeyturn[A-Z]\w+\b/g))).toEqual(new Set(names))
})
