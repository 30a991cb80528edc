// What the tests of the Active Directory connector share: a domain with a little in it, settings for it, and changes.
import { randomBytes } from 'node:crypto'
import { Attribute, Change as Edit } from 'ldapts'
import type { Client } from 'ldapts'
import { openActiveDirectory } from '../../../src/connectors/active-directory/index.ts'
import type { Change, NewAccount } from '../../../src/model/change.ts'
import type { ApplyContext, Connector, RevocationStep } from '../../../src/model/connector.ts'
import type { IdentityId } from '../../../src/model/identity.ts'
import type { DirectorySettings } from '../../../src/model/settings.ts'
import { startSamba } from '../../servers/samba.ts'
import type { Samba } from '../../servers/samba.ts'

const place = { file: 'keyturn.yaml', line: 1 }
const silent = { debug() {}, info() {}, change() {}, warn() {}, error() {} }

export const staff = 'OU=Staff,DC=corp,DC=example'
export const leavers = 'OU=Leavers,DC=corp,DC=example'
export const roles = 'OU=Roles,DC=corp,DC=example'

export interface TestDomain extends AsyncDisposable {
  readonly samba: Samba
  /** Signed in as the administrator, for arranging and looking. */
  readonly client: Client
  readonly settings: DirectorySettings
  readonly connector: Connector
}

export async function startDomain(): Promise<TestDomain> {
  const samba = await startSamba()
  const client = await samba.client()
  for (const dn of [staff, leavers, roles]) await add(client, dn, { objectClass: 'organizationalUnit' })
  for (const cn of ['editors', 'all-staff']) await addGroup(client, cn)
  const settings = settingsOf(samba)
  const connector = open(settings, samba)
  return {
    samba,
    client,
    settings,
    connector,
    async [Symbol.asyncDispose]() {
      await connector[Symbol.asyncDispose]()
      await client.unbind()
      await samba[Symbol.asyncDispose]()
    },
  }
}

export function open(settings: DirectorySettings, samba: Samba, password?: string): Connector {
  return openActiveDirectory(settings, { ...access(samba, password), clock: Date.now })
}

export function access(samba: Samba, password = samba.administrator.password) {
  return { secrets: { resolve: () => Promise.resolve(password) }, logger: silent }
}

function settingsOf(samba: Samba): DirectorySettings {
  const expression = (text: string) => ({ text, place })
  const always = (text: string) => ({ value: expression(text), write: 'always', empty: 'clear' }) as const
  return {
    id: 'corp-ad',
    kind: 'active-directory',
    url: samba.url,
    insecure: false,
    bind: { dn: samba.administrator.dn, password: 'env:AD_PASSWORD' },
    tls: { ca: samba.ca, servername: samba.servername },
    base: samba.base,
    timeouts: { connect: 5_000, request: 30_000 },
    schema: { objectClasses: ['user'], nameAttribute: 'sAMAccountName', rdnAttribute: 'cn' },
    mode: { revoke: 'full', create: 'full', attributes: 'full', entitlements: 'full' },
    accounts: {
      match: [{ account: 'employeeNumber', person: 'key', then: 'link', place }],
      name: [expression('person.givenName')],
      container: { text: staff, fixed: true, place },
      attributes: {
        employeeNumber: always('key'),
        displayName: always('person.displayName'),
        title: always('person.title'),
        manager: always('person.manager'),
      },
    },
    entitlements: { under: [{ dn: roles, place }], named: {} },
    leaver: { container: leavers, strip: 'all', keep: [], cleanupAfter: 0, deleteAfter: 'never' },
    password: { readable: false, mustChange: false },
    limits: { concurrency: 8 },
    retry: { revoke: { first: 1_000, most: 60_000 }, change: { first: 1_000, most: 60_000, attempts: 5 } },
    objectives: { revoke: 60_000 },
    place,
  }
}

export async function add(client: Client, dn: string, values: Record<string, string | string[]>): Promise<void> {
  await client.add(dn, values)
}

export async function addGroup(client: Client, cn: string): Promise<string> {
  const dn = `CN=${cn},${roles}`
  await add(client, dn, { objectClass: 'group', sAMAccountName: cn })
  return dn
}

export async function replace(client: Client, dn: string, type: string, ...values: string[]): Promise<void> {
  await client.modify(dn, new Edit({ operation: 'replace', modification: new Attribute({ type, values }) }))
}

export async function addMembers(client: Client, group: string, members: readonly string[]): Promise<void> {
  const modification = new Attribute({ type: 'member', values: [...members] })
  await client.modify(group, new Edit({ operation: 'add', modification }))
}

export async function lookUp(client: Client, dn: string, ...attributes: string[]): Promise<Record<string, unknown>> {
  const { searchEntries } = await client.search(dn, { scope: 'base', attributes })
  return searchEntries[0] ?? {}
}

// ---------------------------------------------------------------- changes

const reason = { kind: 'rule', text: 'role employee' } as const

/** What every change about one person has in common. */
export function about(name: string, nativeId?: string) {
  const identity = `hr:${name}`
  const target = nativeId === undefined ? { creates: identity } : { nativeId }
  return { identity, platform: 'corp-ad', target, account: name, reason }
}

export function creation(name: string, over: Partial<NewAccount> = {}): Change {
  const attributes = { employeeNumber: [`nr-${name}`], displayName: [`Person ${name}`] }
  const desired = { name, container: staff, enabled: true, attributes, expiresAt: null, ...over }
  return { ...about(name), kind: 'create', desired }
}

export interface TestContext extends ApplyContext {
  readonly passwords: Map<IdentityId, string>
  readonly scrambles: Map<IdentityId, string>
  readonly steps: RevocationStep[]
  readonly addresses: Map<IdentityId, string>
}

export function context(over: Partial<ApplyContext> = {}): TestContext {
  const passwords = new Map<IdentityId, string>()
  const scrambles = new Map<IdentityId, string>()
  const addresses = new Map<IdentityId, string>()
  const steps: RevocationStep[] = []
  const generate = (into: Map<IdentityId, string>) => (identity: IdentityId) => {
    const password = `${randomBytes(18).toString('base64url')}aA1!`
    into.set(identity, password)
    return password
  }
  return {
    signal: new AbortController().signal,
    now: Date.now,
    initialPassword: generate(passwords),
    scramblePassword: generate(scrambles),
    scrambled: (identity) => scrambles.get(identity),
    stepsDone: () => new Set(steps.map(({ step }) => step)),
    stepDone: (_identity, step) => {
      steps.push(step)
      return Promise.resolve()
    },
    addressOf: (identity) => addresses.get(identity),
    allocate: () => Promise.resolve(0),
    mustChange: false,
    passwords,
    scrambles,
    steps,
    addresses,
    ...over,
  }
}

/** Makes accounts and returns where they are, in the order of the names. */
export async function make(
  { connector }: Pick<TestDomain, 'connector'>,
  names: readonly string[],
  using = context(),
): Promise<{ nativeId: string; address: string; name: string }[]> {
  const outcomes = await connector.apply(
    names.map((name) => creation(name)),
    using,
  )
  return outcomes.map((outcome) => {
    if (outcome.account === undefined) throw new Error(JSON.stringify(outcome))
    return outcome.account
  })
}
