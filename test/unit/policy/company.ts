// An invented company: settings and people that tests change where they need to.
import { DAY } from '../../../src/model/instant.ts'
import type { Identity } from '../../../src/model/identity.ts'
import type { Place } from '../../../src/model/place.ts'
import type {
  AccountSettings,
  Expression,
  PlatformSettings,
  RoleSettings,
  Settings,
  SourceSettings,
} from '../../../src/model/settings.ts'

export const now = Date.UTC(2030, 5, 15)

export function place(line: number, file = 'config/roles/roles.yaml'): Place {
  return { file, line, column: 3 }
}

export function expression(text: string, line = 1): Expression {
  return { text, place: place(line) }
}

interface RoleSketch {
  readonly when?: string
  readonly accounts?: readonly string[]
  readonly entitlements?: Readonly<Record<string, readonly string[]>>
  readonly includes?: readonly string[]
  readonly linger?: number
  readonly line?: number
}

export function role(name: string, sketch: RoleSketch = {}): RoleSettings {
  const line = sketch.line ?? 10
  const entitlements = Object.entries(sketch.entitlements ?? {}).map(
    ([platform, names]) => [platform, names.map((one) => ({ name: one, place: place(line + 3) }))] as const,
  )
  return {
    name,
    when: sketch.when === undefined ? null : expression(sketch.when, line + 1),
    accounts: (sketch.accounts ?? []).map((platform) => ({ platform, place: place(line + 2) })),
    entitlements: Object.fromEntries(entitlements),
    includes: (sketch.includes ?? []).map((one) => ({ role: one, place: place(line + 4) })),
    linger: sketch.linger ?? 0,
    place: place(line),
  }
}

export function platform(
  id: string,
  accounts: Partial<AccountSettings> = {},
  more: Partial<PlatformSettings> = {},
): PlatformSettings {
  return {
    id,
    kind: 'ldap',
    url: 'ldaps://directory.example',
    insecure: false,
    bind: { dn: 'cn=keyturn,dc=example', password: 'env:PASSWORD' },
    tls: {},
    base: 'dc=example',
    timeouts: { connect: 1_000, request: 1_000 },
    schema: { objectClasses: ['inetOrgPerson'], nameAttribute: 'uid', rdnAttribute: 'uid' },
    mode: { revoke: 'full', create: 'full', attributes: 'full', entitlements: 'full' },
    accounts: {
      match: [
        { account: 'employeeNumber', person: 'key', then: 'link', place: place(1) },
        { account: 'mail', person: 'mail', then: 'propose', place: place(2) },
      ],
      name: [
        expression('person.givenName + "." + person.surname'),
        expression('person.givenName + "." + person.surname + string(n)'),
      ],
      container: { text: 'ou=people,dc=example', fixed: true, place: place(3) },
      attributes: {},
      ...accounts,
    },
    entitlements: { under: [], named: {} },
    leaver: { strip: 'all', keep: [], cleanupAfter: 0, deleteAfter: 'never' },
    password: { readable: false, mustChange: true },
    limits: { concurrency: 8 },
    retry: { revoke: { first: 1, most: 2 }, change: { first: 1, most: 2, attempts: 3 } },
    objectives: { revoke: 60_000 },
    place: place(4),
    ...more,
  }
}

export function settings(
  roles: readonly RoleSettings[],
  platforms: readonly PlatformSettings[] = [platform('wiki')],
): Settings {
  const attribute = { from: { column: 'X' }, trim: true, place: place(5) }
  const hr: SourceSettings = {
    id: 'hr',
    kind: 'csv',
    path: '/feeds/people.csv',
    every: 60_000,
    key: 'ID',
    content: 'full',
    timezone: 'UTC',
    csv: { finalNewline: 'optional' },
    identity: {
      attributes: Object.fromEntries(
        ['givenName', 'surname', 'mail', 'department', 'title', 'phone'].map((name) => [name, attribute]),
      ),
      references: { manager: { ...attribute, reference: 'key', unresolved: 'keep' } },
      state: { column: 'Status', values: {}, otherwise: 'page', place: place(6) },
      version: '1',
    },
    contract: { required: [], rows: { min: 0, maxChange: 1 } },
    vanished: { after: DAY, then: 'hold' },
    settle: 500,
    place: place(7),
  }
  return {
    organisation: { name: 'Example', timezone: 'UTC' },
    state: { folder: '/state', ledger: 'sqlite:/state/keyturn.db', redis: 'embedded' },
    sources: { hr },
    platforms: Object.fromEntries(platforms.map((one) => [one.id, one])),
    safety: { protected: [], limits: { default: { removals: { max: 0.1, above: 20 } } }, privileged: 'hold' },
    roles: Object.fromEntries(roles.map((one) => [one.name, one])),
    daemon: { listen: null, fullPass: 3_600_000, offboards: { most: 20, within: 3_600_000 }, tracing: false },
    notifications: { gather: 10_000, mail: null, webhooks: [] },
    retired: { sources: [], platforms: [] },
    files: [],
    policyVersion: 'v1',
  }
}

export function person(key: string, more: Partial<Identity> = {}): Identity {
  const { attributes, ...rest } = more
  return {
    id: `hr:${key}`,
    source: 'hr',
    key,
    references: {},
    status: 'active',
    startsAt: now - 400 * DAY,
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
    firstSeenAt: now - 300 * DAY,
    reason: { kind: 'source', text: 'Status "Active"', place: place(2, 'people.csv') },
    recordHash: 'hash',
    place: place(2, 'people.csv'),
    ...rest,
    attributes: { givenName: 'Ada', surname: 'Byron', department: 'Sales', ...attributes },
  }
}
