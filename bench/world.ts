// A workforce of any size with 200 groups, each person in three of them, and everything that Keyturn needs to serve it.
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { inventPeople, writeFeed } from '../src/demo/people.ts'
import type { Workforce } from '../src/demo/people.ts'

const numbered = (word: string, count: number) => Array.from({ length: count }, (_, index) => `${word} ${index + 1}`)

/** 66 departments, 67 titles and 67 sites: 200 groups. */
const departments = numbered('Department', 66)
const titles = numbered('Title', 67)
const sites = numbered('Site', 67)

export const groups = [...departments, ...titles, ...sites].map(groupOf)

export function groupOf(text: string): string {
  return text.toLowerCase().replace(' ', '-')
}

/** So many people who all work. */
export function workforce(count: number): Workforce {
  return { count, mix: 'active', departments, titles, sites }
}

/** A folder with configuration, roles and feed. */
export interface World extends AsyncDisposable {
  readonly folder: string
  readonly feed: string
  /** Environment that makes a Node.js process tell its peak memory. */
  readonly hook: Readonly<Record<string, string>>
  /** Writes keyturn.yaml with this section for the platform that is named "directory". */
  configure(platform: object, more?: More): Promise<void>
  /** Runs `keyturn` and returns how long it took from start to end, ms. Throws when it ends with another code. */
  keyturn(args: readonly string[], code: number, environment?: Readonly<Record<string, string>>): Promise<Run>
}

/** What a benchmark needs besides. */
export interface More {
  /** Platforms besides "directory", on which everybody has an account, too. */
  readonly others?: Readonly<Record<string, object>>
  readonly state?: object
  readonly safety?: object
}

export interface Run {
  readonly took: number
  readonly stdout: string
  /** Peak of the resident memory, MB. */
  readonly memory: number
}

/** Makes the folder, the roles and the feed; the password is the one of the account that Keyturn signs in with. */
export async function makeWorld(people: Workforce, password: string): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-bench-'))
  const feed = join(folder, 'feed.csv')
  await mkdir(join(folder, 'roles'))
  await writeFeed(feed, inventPeople(people))
  return {
    folder,
    feed,
    hook,
    async configure(platform, more = {}) {
      const platforms = ['directory', ...Object.keys(more.others ?? {})]
      await writeFile(join(folder, 'roles/roles.yaml'), stringify({ roles: roles(platforms) }))
      await writeFile(join(folder, 'keyturn.yaml'), stringify(settings(platform, more)))
    },
    keyturn: (args, code, more = {}) => runKeyturn(folder, args, code, { DIRECTORY_PASSWORD: password, ...more }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

function settings(platform: object, { others = {}, state, safety }: More): object {
  const withoutPasswords = (one: object) => ({ password: { 'must-change': false }, ...one })
  return {
    version: 1,
    organisation: { name: 'Benchmark', timezone: 'UTC' },
    sources: {
      hr: {
        kind: 'csv',
        path: 'feed.csv',
        key: 'employee_id',
        content: 'full',
        identity: {
          givenName: { column: 'given_name', trim: true },
          surname: { column: 'surname', trim: true },
          displayName: {
            expr: 'person.givenName == "" ? person.surname : person.givenName + " " + person.surname',
          },
          department: { column: 'department' },
          title: { column: 'title' },
          site: { column: 'site' },
          startsAt: { column: 'start_date', date: 'yyyy-MM-dd' },
          endsAt: { column: 'end_date', date: 'yyyy-MM-dd' },
          state: { column: 'status', values: { Active: 'active', Leave: 'suspended', Left: 'left' } },
        },
        // What is measured is the work, not the refusal of a feed that is suspiciously different.
        contract: { rows: { min: 0, 'max-change': '100%' } },
      },
    },
    // Any free port: several may run on one machine.
    daemon: { listen: '127.0.0.1:0' },
    ...(state === undefined ? {} : { state }),
    ...(safety === undefined ? {} : { safety }),
    platforms: Object.fromEntries(
      Object.entries({ directory: platform, ...others }).map(([id, one]) => [id, withoutPasswords(one)]),
    ),
  }
}

/** What is the same for both kinds of directory. */
export const accounts = {
  match: [{ account: 'employeeNumber', person: 'key', then: 'link' }],
  name: [
    'person.givenName == "" ? person.surname : person.givenName + "." + person.surname',
    'person.givenName == "" ? person.surname + string(n) : person.givenName + "." + person.surname + string(n)',
  ],
  attributes: {
    employeeNumber: 'key',
    displayName: 'person.displayName',
    sn: 'person.surname',
    givenName: 'person.givenName',
    title: 'person.title',
    l: 'person.site',
  },
}

function roles(platforms: readonly string[]): object {
  const of = (attribute: string, values: readonly string[]) =>
    values.map((value) => [
      groupOf(value),
      { when: `person.${attribute} == "${value}"`, entitlements: { directory: [groupOf(value)] } },
    ])
  return {
    everybody: { accounts: platforms },
    ...Object.fromEntries([...of('department', departments), ...of('title', titles), ...of('site', sites)]),
  }
}

const program = fileURLToPath(new URL('../bin/keyturn', import.meta.url))
const hook = { NODE_OPTIONS: `--import=${new URL('memory-hook.ts', import.meta.url).href}` }

async function runKeyturn(
  folder: string,
  args: readonly string[],
  code: number,
  secrets: Readonly<Record<string, string>>,
): Promise<Run> {
  const environment = { ...secrets, ...hook, NO_COLOR: '1' }
  return runTimed(program, ['--config', join(folder, 'keyturn.yaml'), ...args], code, environment)
}

/** Runs a program that loads memory-hook.ts to its end. */
export async function runTimed(
  file: string,
  args: readonly string[],
  code: number,
  environment: Readonly<Record<string, string>>,
): Promise<Run> {
  const begun = performance.now()
  const child = spawn(file, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const texts = ['', '', '', '']
  for (const channel of [1, 2, 3]) {
    child.stdio[channel]?.on('data', (chunk: Buffer) => {
      texts[channel] += chunk.toString()
    })
  }
  const ended = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  )
  const took = performance.now() - begun
  if (ended !== code) {
    throw new Error(`${args.join(' ')} ended with ${ended}:\n${texts.slice(1, 3).join('\n').slice(-4_000)}`)
  }
  return { took, stdout: texts[1] ?? '', memory: Number(texts[3]?.trim().split('\n')[0] ?? 0) / 1024 }
}
