// How many people a second the policy decides on, on one core: with every tenth person a kind of its own, and with
// everybody one, so that nothing that is remembered helps.
import type { Identity } from '../src/model/identity.ts'
import type { Place } from '../src/model/place.ts'
import type { PlatformSettings, RoleSettings, Settings, SourceSettings } from '../src/model/settings.ts'
import { compilePolicy } from '../src/policy/index.ts'
import { median, perSecond } from './report.ts'
import type { Measurement } from './report.ts'

const place: Place = { file: 'bench/policy.ts', line: 1 }
const people = 100_000
const runs = 5

/** Figures for 20 and for 200 roles against their targets, 50,000 and 20,000 people a second. */
export function benchPolicy(): readonly Measurement[] {
  return [
    { roles: 20, target: 50_000 },
    { roles: 200, target: 20_000 },
  ].flatMap(({ roles, target }) => [
    measure(roles, target, people / 10, 'ten of a kind'),
    measure(roles, target, people, 'everybody a kind of their own'),
  ])
}

function measure(roles: number, target: number, kinds: number, note: string): Measurement {
  const settings = settingsWith(roles)
  const crowd = Array.from({ length: people }, (_, at) => personOf(at, roles, kinds))
  const took = median(Array.from({ length: runs }, () => decideOn(settings, crowd)))
  return {
    what: `policy against ${roles} roles`,
    figure: perSecond(people, took, 'people'),
    limit: '',
    ratio: '',
    target: perSecond(target, 1_000, 'people'),
    met: people / took >= target / 1_000,
    note,
  }
}

/** Desired account with its entitlements of everybody, compiled anew; ms. */
function decideOn(settings: Settings, crowd: readonly Identity[]): number {
  const begun = performance.now()
  const policy = compilePolicy(settings)
  let entitlements = 0
  for (const identity of crowd) entitlements += policy.desire(identity, 'directory', [], 0).entitlements.length
  const took = performance.now() - begun
  if (entitlements < crowd.length) throw new Error('the policy gave nearly nothing: this measures nothing')
  return took
}

function settingsWith(count: number): Settings {
  const roles = Array.from({ length: count }, (_, at) => roleOf(at))
  return {
    organisation: { name: 'Benchmark', timezone: 'UTC' },
    state: { folder: '/', ledger: 'sqlite:/none', redis: 'embedded' },
    sources: { hr: source() },
    platforms: { directory: directory() },
    safety: { protected: [], limits: { default: { removals: { max: 1, above: 0 } } }, privileged: 'hold' },
    roles: Object.fromEntries(roles.map((role) => [role.name, role])),
    daemon: { listen: null, fullPass: 3_600_000, offboards: { most: 20, within: 3_600_000 }, tracing: false },
    notifications: { gather: 10_000, mail: null, webhooks: [] },
    retired: { sources: [], platforms: [] },
    files: [],
    policyVersion: '',
  }
}

/** One role for everybody, most for a department and a beginning of a title, some that no index helps with. */
function roleOf(at: number): RoleSettings {
  const condition =
    at % 10 === 9
      ? `person.title.endsWith("${at}") || person.site == "s${at}"`
      : `person.department == "d${at}" && person.title.startsWith("t")`
  return {
    name: `role-${at}`,
    when: at === 0 ? null : { text: condition, place },
    accounts: at === 0 ? [{ platform: 'directory', place }] : [],
    entitlements: { directory: [{ name: `group-${at}`, place }] },
    includes: [],
    linger: 0,
    place,
  }
}

function personOf(at: number, roles: number, kinds: number): Identity {
  const kind = at % kinds
  return {
    id: `hr:${at}`,
    source: 'hr',
    key: `${at}`,
    attributes: {
      givenName: 'Ada',
      surname: 'Byron',
      department: `d${kind % roles}`,
      title: `t${kind}`,
      site: `s${kind % 50}`,
    },
    references: { manager: 'hr:1' },
    status: 'active',
    startsAt: null,
    endsAt: null,
    accessEndsAt: null,
    zone: 'UTC',
    state: 'active',
    next: null,
    held: null,
    leftAt: null,
    announcedAt: null,
    vanishedAt: null,
    leftBeforeFirstSeen: false,
    firstSeenAt: 0,
    reason: { kind: 'source', text: 'Active' },
    recordHash: '',
    place,
  }
}

function source(): SourceSettings {
  const attribute = { from: { column: 'x' }, trim: false, place }
  const names = ['givenName', 'surname', 'department', 'title', 'site']
  return {
    id: 'hr',
    kind: 'csv',
    path: '/none',
    every: 1,
    key: 'key',
    content: 'full',
    timezone: 'UTC',
    csv: { finalNewline: 'optional' },
    identity: {
      attributes: Object.fromEntries(names.map((name) => [name, attribute])),
      references: { manager: { ...attribute, reference: 'key', unresolved: 'keep' } },
      state: { column: 'x', values: {}, otherwise: 'page', place },
      version: '',
    },
    contract: { required: [], rows: { min: 0, maxChange: 1 } },
    vanished: { after: 1, then: 'hold' },
    settle: 0,
    place,
  }
}

function directory(): PlatformSettings {
  const expression = (text: string) => ({ text, place })
  return {
    id: 'directory',
    kind: 'ldap',
    url: 'ldaps://none',
    insecure: false,
    bind: { dn: '', password: 'env:NONE' },
    tls: {},
    base: '',
    timeouts: { connect: 1, request: 1 },
    schema: { objectClasses: [], nameAttribute: 'uid', rdnAttribute: 'uid' },
    mode: { revoke: 'full', create: 'full', attributes: 'full', entitlements: 'full' },
    accounts: {
      match: [{ account: 'employeeNumber', person: 'key', then: 'link', place }],
      name: [expression('person.givenName + "." + person.surname')],
      container: { text: '', fixed: true, place },
      attributes: { title: { value: expression('person.title'), write: 'always', empty: 'clear' } },
    },
    entitlements: { under: [], named: {} },
    leaver: { strip: 'all', keep: [], cleanupAfter: 0, deleteAfter: 'never' },
    password: { readable: true, mustChange: false },
    limits: { concurrency: 1 },
    retry: { revoke: { first: 1, most: 1 }, change: { first: 1, most: 1, attempts: 1 } },
    objectives: { revoke: 60_000 },
    place,
  }
}
