import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import type { ChangeKind, Lane, WithheldWhy } from '../model/change.ts'
import { HOUR, SECOND } from '../model/instant.ts'
import type { Clock, Instant } from '../model/instant.ts'
import type { ChangeResult, OpenCount } from '../model/ledger.ts'
import type { PlatformState, RevocationTiming } from '../model/running.ts'

/** How things stand, as the ledger knows it, at the moment of a scrape. */
export interface MetricsInput {
  readonly policyVersion: string
  /** Of every configured platform; one that was never heard of is up. */
  readonly platforms: readonly (Pick<PlatformState, 'platform' | 'state'> & {
    /** `objectives.revoke`, ms. */
    readonly objective: number
  })[]
  readonly counts: readonly OpenCount[]
  readonly feeds: readonly {
    readonly source: string
    /** The last accepted read; null: never. */
    readonly acceptedAt: Instant | null
    /** Was the last read refused? */
    readonly refused: boolean
  }[]
  /** Open holds by their cause. */
  readonly holds: readonly { readonly why: WithheldWhy; readonly count: number }[]
  /** How many people are hindered, for each platform and cause. */
  readonly hindered: readonly { readonly platform: string; readonly why: WithheldWhy; readonly people: number }[]
  /** Open revocations that are over their platform's objective. */
  readonly late: number
  /** Open revocations that were carried out and could not be shown to work. */
  readonly notProven: number
  /** Is the configuration on disk refused, so that an older one is in force? */
  readonly configRefused: boolean
}

export interface MetricsOptions {
  /** Keyturn's version. */
  readonly version: string
  readonly clock: Clock
  readonly read: () => Promise<MetricsInput>
}

export interface Metrics {
  /** Proven revocations; each must be given once. */
  observeRevocations(timings: readonly RevocationTiming[]): void
  countChanges(platform: string, kind: ChangeKind, result: ChangeResult['status'], by?: number): void
  /** How late the event loop came to something that was due, ms. */
  observeDelay(ms: number): void
  /**
   * The text exposition format 0.0.4. Where the ledger cannot be read, what comes from it is missing and
   * `keyturn_ledger_readable` is 0.
   */
  text(): Promise<string>
}

/** Seconds: from what a quiet directory needs to what needs somebody to get up. */
const buckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600]

const lanes: readonly Lane[] = ['revoke', 'change']

/** Seconds: from what nobody feels to what makes a revocation late. */
const delayBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
/** Of prom-client: they wake an idle process a hundred times a second, which costs half a percent of a core. */
const ownLags = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map((of) => `nodejs_eventloop_lag_${of}_seconds`)

/** A registry of its own, with the metrics of the process; the names are listed in docs/operation.md. */
export function openMetrics({ read, version, clock }: MetricsOptions): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: HOUR })
  for (const name of ownLags) registry.removeSingleMetric(name)
  const { revocations, changes, delays } = events(registry)
  const state = stateGauges(registry)
  const collect = async (): Promise<string> => {
    const input = await read().catch(() => null)
    for (const gauge of Object.values(state)) gauge.reset()
    state.readable.set(input === null ? 0 : 1)
    if (input !== null) show(state, input, { version, now: clock() })
    const text = await registry.metrics()
    // prom-client 15 writes "Nan", which the format does not know.
    return text.replaceAll(/ Nan$/gm, ' NaN')
  }
  // Two scrapes at once share one look: the gauges are filled and printed as a whole.
  let running: Promise<string> | null = null
  return {
    observeRevocations: (timings) => {
      for (const timing of timings) observe(revocations, timing)
    },
    countChanges: (platform, kind, result, by = 1) => changes.inc({ platform, kind, result }, by),
    observeDelay: (ms) => delays.observe(Math.max(0, ms) / SECOND),
    text: () => {
      running ??= collect().finally(() => {
        running = null
      })
      return running
    },
  }
}

function events(registry: Registry) {
  const registers = [registry]
  const revocations = new Histogram({
    name: 'keyturn_revocation_seconds',
    help: 'Time until a revocation was proven: from the moment that it became effective, was received, or was admitted.',
    labelNames: ['platform', 'from'] as const,
    buckets,
    registers,
  })
  const changes = new Counter({
    name: 'keyturn_changes_total',
    help: 'Changes that were carried out since this process began, by how they came out.',
    labelNames: ['platform', 'kind', 'result'] as const,
    registers,
  })
  const delays = new Histogram({
    name: 'keyturn_event_loop_delay_seconds',
    help: 'How late the event loop of the main process came to what was due, looked at four times a second.',
    buckets: delayBuckets,
    registers,
  })
  return { revocations, changes, delays }
}

function observe(revocations: ReturnType<typeof events>['revocations'], timing: RevocationTiming): void {
  const { platform, provenAt, effectiveAt, receivedAt, admittedAt } = timing
  if (timing.grade === 'not-proven') return
  const seconds = (since: Instant) => Math.max(0, provenAt - since) / SECOND
  if (effectiveAt !== null) revocations.observe({ platform, from: 'effective' }, seconds(effectiveAt))
  revocations.observe({ platform, from: 'received' }, seconds(receivedAt))
  revocations.observe({ platform, from: 'admitted' }, seconds(admittedAt))
}

function stateGauges(registry: Registry) {
  const gauge = <const L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] })
  return {
    readable: gauge('keyturn_ledger_readable', '1 where the ledger could be read for this answer.'),
    build: gauge('keyturn_build_info', 'Always 1.', ['version', 'policy_version']),
    obligations: gauge('keyturn_obligations', 'Obligations that are not settled.', ['platform', 'lane', 'state']),
    oldest: gauge('keyturn_oldest_obligation_seconds', 'Age of the oldest one that is owed; 0: there is none.', [
      'platform',
      'lane',
    ]),
    objective: gauge('keyturn_revocation_objective_seconds', 'objectives.revoke of the configuration.', ['platform']),
    up: gauge('keyturn_platform_up', '1 where the platform answers.', ['platform']),
    accepted: gauge('keyturn_feed_last_accepted_timestamp_seconds', 'Last accepted read; missing: there was none.', [
      'source',
    ]),
    refused: gauge('keyturn_feed_refused', '1 where the last read was refused.', ['source']),
    holds: gauge('keyturn_holds', 'Holds that wait for a person.', ['why']),
    hindered: gauge('keyturn_hindered_people', 'People of whom something is withheld that no decision releases.', [
      'platform',
      'why',
    ]),
    late: gauge('keyturn_revocations_late', 'Open revocations that are over their objective.'),
    notProven: gauge('keyturn_revocations_not_proven', 'Open revocations that could not be shown to work.'),
    configRefused: gauge('keyturn_config_refused', '1 where the configuration on disk is not the one in force.'),
  }
}

function show(
  state: ReturnType<typeof stateGauges>,
  input: MetricsInput,
  { version, now }: { readonly version: string; readonly now: Instant },
): void {
  state.build.set({ version, policy_version: input.policyVersion }, 1)
  for (const { platform, state: is, objective } of input.platforms) {
    state.up.set({ platform }, is === 'up' ? 1 : 0)
    state.objective.set({ platform }, objective / SECOND)
    // An idle lane says 0, so that an alert sees the difference between nothing owed and nothing known.
    for (const lane of lanes) showLane(state, { platform, lane, owed: 0, failed: 0, waiting: 0, oldest: null }, now)
  }
  for (const counts of input.counts) showLane(state, counts, now)
  for (const { source, acceptedAt, refused } of input.feeds) {
    state.refused.set({ source }, refused ? 1 : 0)
    if (acceptedAt !== null) state.accepted.set({ source }, acceptedAt / SECOND)
  }
  for (const { why, count } of input.holds) state.holds.set({ why }, count)
  // Those who are to be shut are counted apart from the others.
  for (const { platform, why, people } of input.hindered) state.hindered.inc({ platform, why }, people)
  state.late.set(input.late)
  state.notProven.set(input.notProven)
  state.configRefused.set(input.configRefused ? 1 : 0)
}

function showLane(state: ReturnType<typeof stateGauges>, lane: MetricsInput['counts'][number], now: Instant): void {
  const labels = { platform: lane.platform, lane: lane.lane }
  for (const is of ['owed', 'failed', 'waiting'] as const) state.obligations.set({ ...labels, state: is }, lane[is])
  state.oldest.set(labels, lane.oldest === null ? 0 : Math.max(0, now - lane.oldest) / SECOND)
}
