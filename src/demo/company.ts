import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { keyturnYaml, rolesYaml } from './configuration.ts'
import { firstPassword, openDesk } from './desk.ts'
import { directoryLdif, placesOf } from './directory.ts'
import type { DirectoryPlaces } from './directory.ts'
import { inventPeople, writeFeed } from './people.ts'
import type { Person } from './people.ts'
import { startSlapd } from './slapd.ts'
import type { Slapd } from './slapd.ts'

/** Departments and their groups. */
export const departments: Readonly<Record<string, string>> = {
  Engineering: 'engineering',
  Research: 'research',
  Design: 'design',
  Quality: 'quality',
  Sales: 'sales',
  Marketing: 'marketing',
  Support: 'support',
  Finance: 'finance',
  Legal: 'legal',
  People: 'people',
  Facilities: 'facilities',
  Security: 'security',
}

const suffix = 'dc=demo,dc=example'

/** An invented company in one folder: a directory of its own, a feed, and a configuration of Keyturn. */
export interface Company extends AsyncDisposable {
  readonly folder: string
  readonly config: string
  readonly feed: string
  readonly server: Slapd
  readonly suffix: string
  readonly places: DirectoryPlaces
  /** The file and its content: the password of the account that Keyturn signs in with. */
  readonly password: { readonly file: string; readonly text: string }
  /** Everybody as HR knows them, by employee number; `publish` makes it the feed. */
  readonly people: Map<string, Person>
  /** Returns when the new feed was there, ms since 1970. */
  publish(): Promise<number>
  /** Leaves only the first half of the lines, as an export that stopped: what is left is a perfect file. */
  cutFeed(): Promise<void>
  /** The first password of an account, opened as the service desk would. */
  firstPassword(account: string): Promise<string>
}

/** Founds a company in an empty folder. `keep`: its directory goes on when this process ends. */
export async function foundCompany(
  folder: string,
  options: { readonly people: number; readonly keep: boolean },
): Promise<Company> {
  const places = placesOf(suffix)
  const password = { file: join(folder, 'directory.password'), text: randomBytes(18).toString('base64url') }
  const desk = await openDesk()
  await Promise.all(['slapd', 'roles'].map((name) => mkdir(join(folder, name))))
  const server = await startServer(join(folder, 'slapd'), places, password.text, options.keep)
  const config = join(folder, 'keyturn.yaml')
  const feed = join(folder, 'employees.csv')
  await Promise.all([
    // Without a line ending: ldapsearch -y takes every byte for the password.
    writeFile(password.file, password.text, { mode: 0o600 }),
    writeFile(join(folder, 'servicedesk.key'), `${desk.identity}\n`, { mode: 0o600 }),
    writeFile(config, keyturnYaml({ url: server.url, suffix, places, recipient: desk.recipient })),
    writeFile(join(folder, 'roles/company.yaml'), rolesYaml(departments)),
  ])
  const workforce = { count: options.people, today: Date.now(), departments: Object.keys(departments) }
  const people = new Map([...inventPeople(workforce)].map((person) => [person.employee_id, person]))
  return {
    folder,
    config,
    feed,
    server,
    suffix,
    places,
    password,
    people,
    publish: async () => {
      await writeFeed(feed, people.values())
      return Date.now()
    },
    cutFeed: () => cut(feed),
    firstPassword: (account) => firstPassword(desk, join(folder, 'handover'), account),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

function startServer(
  folder: string,
  places: DirectoryPlaces,
  managerPassword: string,
  detached: boolean,
): Promise<Slapd> {
  const groups = ['all-staff', 'managers', ...Object.values(departments)]
  const ldif = directoryLdif({ suffix, groups, managerPassword })
  return startSlapd({ folder, suffix, ldif, manager: places.manager, policy: places.policy, detached })
}

async function cut(feed: string): Promise<void> {
  const lines = (await readFile(feed, 'utf8')).split('\n')
  await writeFile(`${feed}.new`, `${lines.slice(0, Math.ceil(lines.length / 2)).join('\n')}\n`)
  await rename(`${feed}.new`, feed)
}
