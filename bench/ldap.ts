// First load into OpenLDAP: the whole of `keyturn apply` against a client that only pipelines the same adds and then one
// modification per group.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'ldapts'
import { directoryLdif, placesOf } from '../src/demo/directory.ts'
import { startSlapd } from '../src/demo/slapd.ts'
import type { Slapd } from '../src/demo/slapd.ts'
import { encodeAdds, encodeMemberships, sendAll } from './pipeline.ts'
import type { Entry, Requests } from './pipeline.ts'
import { median, perSecond, say } from './report.ts'
import type { Measurement } from './report.ts'
import { accounts, groups, makeWorld, workforce } from './world.ts'
import type { More, World } from './world.ts'
import { startDelay } from './delay.ts'
import { population } from './population.ts'

const suffix = 'dc=bench,dc=example'
export const places = placesOf(suffix)
export const manager = { dn: places.manager, password: 'password-of-benchmarks' }

export interface LdapOptions {
  readonly nosync: boolean
  /** Keyturn reaches the server through a proxy that makes every answer this much later, ms. */
  readonly delay?: number
  /** Everybody has an account with its memberships already: so many are loaded faster than any client could. */
  readonly loaded?: boolean
  readonly more?: More
}

export interface LdapWorld extends World {
  readonly server: Slapd
  /** What Keyturn connects to: the server, or the proxy before it. */
  readonly url: string
}

/** A fresh server with 200 groups, and a world whose platform it is. */
export async function ldapWorld(people: number, options: LdapOptions): Promise<LdapWorld> {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await makeWorld(workforce(people), manager.password))
  const server = stack.use(await startDirectory(join(world.folder, 'slapd'), { ...options, people }))
  const proxy = options.delay === undefined ? null : stack.use(await startDelay(server.url, options.delay))
  const url = proxy?.url ?? server.url
  await world.configure(platform(url), options.more)
  const owned = stack.move()
  return { ...world, server, url, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** A server of its own, with the groups and, where asked, everybody's accounts. */
export async function startDirectory(
  folder: string,
  { people, nosync, loaded = false }: LdapOptions & { readonly people: number },
): Promise<Slapd> {
  await mkdir(folder)
  const empty = directoryLdif({ suffix, groups: loaded ? [] : groups, managerPassword: manager.password })
  const ldif = loaded ? `${empty}\n${population(people, places)}` : empty
  return startSlapd({ folder, suffix, ldif, manager: places.manager, policy: places.policy, nosync })
}

export function platform(url: string): object {
  return {
    kind: 'ldap',
    url,
    bind: { dn: manager.dn, password: 'env:DIRECTORY_PASSWORD' },
    base: suffix,
    accounts: {
      ...accounts,
      container: places.people,
      attributes: { ...accounts.attributes, cn: 'person.displayName' },
    },
    entitlements: { under: [places.groups] },
    schema: { placeholder: places.placeholder },
  }
}

export async function benchLdap(): Promise<readonly Measurement[]> {
  return [
    await firstLoad(10_000, { nosync: true, rounds: 3, target: 0.25 }),
    await firstLoad(2_000, { nosync: false, rounds: 1, target: null }),
  ]
}

interface Trial {
  readonly nosync: boolean
  readonly rounds: number
  readonly target: number | null
}

/** A B A B: Keyturn, the limit, Keyturn, the limit, each into a fresh server. */
async function firstLoad(people: number, trial: Trial): Promise<Measurement> {
  const ours: number[] = []
  const limits: number[] = []
  for (let round = 1; round <= trial.rounds; round++) {
    const { took, adds, memberships } = await loadByKeyturn(people, trial)
    ours.push(took)
    limits.push(await loadByPipeline(adds, memberships, trial))
    say(
      `ldap ${trial.nosync ? 'nosync' : 'fsync'} ${round}/${trial.rounds}: keyturn ${took.toFixed(0)} ms, limit ${limits.at(-1)?.toFixed(0)} ms`,
    )
  }
  const ratio = median(limits) / median(ours)
  return {
    what: `first load of ${people.toLocaleString('en-US')} people into slapd, ${trial.nosync ? 'dbnosync' : 'fsync'}`,
    figure: perSecond(people, median(ours), 'people'),
    limit: perSecond(people, median(limits), 'people'),
    ratio: ratio.toFixed(2),
    target: trial.target === null ? '' : `${trial.target} (better 0.50)`,
    met: trial.target === null ? null : ratio >= trial.target,
    note: `medians of ${trial.rounds}; from the start of the process to its end; no hand-over files`,
  }
}

async function loadByKeyturn(people: number, trial: Trial) {
  await using world = await ldapWorld(people, trial)
  const { took } = await world.keyturn(['apply'], 0)
  return { took, ...(await requestsThatMake(world.server.url, people)) }
}

/** How long a client needs that only sends these, ms; into a fresh server. */
export async function loadByPipeline(
  adds: Requests,
  memberships: Requests,
  trial: Pick<LdapOptions, 'nosync' | 'delay'>,
): Promise<number> {
  await using world = await ldapWorld(1, trial)
  const { url } = world
  return (await sendAll(url, manager, adds)) + (await sendAll(url, manager, memberships))
}

/** The requests that make exactly what Keyturn has made: read back from the directory, before any clock runs. */
export async function requestsThatMake(
  url: string,
  people: number,
): Promise<{ adds: Requests; memberships: Requests }> {
  const client = new Client({ url })
  await client.bind(manager.dn, manager.password)
  const entries = await readAll(client, places.people, '(objectClass=inetOrgPerson)')
  const filled = await readAll(client, places.groups, '(objectClass=groupOfNames)')
  await client.unbind()
  if (entries.length !== people) throw new Error(`${entries.length} accounts instead of ${people}`)
  // A password in the clear, which the server has to hash, as it had to for Keyturn.
  const adds = entries.map((entry, index) => ({
    dn: entry.dn,
    attributes: {
      ...entry.attributes,
      ...(entry.attributes['userPassword'] === undefined
        ? {}
        : { userPassword: [`Password-of-${index}-in-the-clear`] }),
    },
  }))
  const members = filled.map(
    ({ dn, attributes }) =>
      [dn, (attributes['member'] ?? []).map(String).filter((one) => one !== places.placeholder)] as const,
  )
  return { adds: encodeAdds(adds), memberships: encodeMemberships(members, 2) }
}

/** Entries directly below this base; operational attributes only where they are named. */
export async function readAll(
  client: Client,
  base: string,
  filter: string,
  attributes?: readonly string[],
): Promise<Entry[]> {
  const entries: Entry[] = []
  const options = { scope: 'one', filter, paged: { pageSize: 1_000 } } as const
  const asked = attributes === undefined ? options : { ...options, attributes: [...attributes] }
  for await (const page of client.searchPaginated(base, asked)) {
    for (const { dn, ...values } of page.searchEntries) {
      entries.push({
        dn,
        attributes: Object.fromEntries(Object.entries(values).map(([type, some]) => [type, [some].flat()])),
      })
    }
  }
  return entries
}
