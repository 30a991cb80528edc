// What every scenario needs: a small company in a corner of a real directory, a configuration and a feed in a temporary
// folder, and the command line, run as its users run it.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Decrypter, generateIdentity, identityToRecipient } from 'age-encryption'
import { Attribute, Change, Client, EqualityFilter } from 'ldapts'
import type { Entry } from 'ldapts'
import { stringify } from 'yaml'
import { columns, feedLine } from '../../src/demo/people.ts'
import type { Person } from '../../src/demo/people.ts'
import type { Slapd } from '../servers/slapd.ts'
import { merge, usualRoles, usualSettings } from './settings.ts'
import type { Places, Settings } from './settings.ts'

const program = fileURLToPath(new URL('../../bin/keyturn', import.meta.url))

/** How a command ended. */
export interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** The document of --json. */
  readonly document: Document
}

/** The parts of the JSON documents that scenarios look at. */
export interface Document {
  readonly plan: string
  readonly changes: readonly PlannedChange[]
  readonly withheld: readonly { readonly why: string; readonly text: string; readonly change: PlannedChange }[]
  readonly notes: readonly { readonly kind: string; readonly account: string; readonly text: string }[]
  readonly sources: readonly {
    readonly accepted: boolean
    readonly refused: { readonly why: string; readonly hint: string } | null
    readonly problems: readonly {
      readonly place: { readonly line: number }
      readonly path: string
      readonly message: string
    }[]
  }[]
  readonly unread: readonly { readonly platform: string; readonly code: string; readonly message: string }[]
  readonly obligations: readonly {
    readonly identity: string
    readonly state: string
    readonly error: { readonly code: string; readonly message: string } | null
    readonly proof: { readonly grade: string; readonly resultCode?: number; readonly text: string } | null
  }[]
  readonly results: readonly { readonly identity: string; readonly kind: string; readonly status: string }[]
  readonly holds: readonly { readonly id: number; readonly why: string; readonly people: number }[]
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string }
}

export interface PlannedChange {
  readonly kind: string
  readonly identity: string
  readonly account: string
  readonly entitlement?: string
  readonly reason: { readonly text: string; readonly place?: string }
}

export interface CompanyOptions {
  readonly groups?: readonly string[]
  readonly config?: Settings
  readonly roles?: Settings
  /** Where Keyturn finds the directory, such as a proxy before it. */
  readonly url?: string
}

/** What slapd's password policy calls an account that is shut until an administrator opens it (slapo-ppolicy(5)). */
export const locked = '000001010000Z'

let companies = 0

export class Company implements AsyncDisposable, Places {
  readonly folder: string
  readonly server: Slapd
  readonly base: string
  readonly #desk: string
  #client: Client
  readonly #children = new Set<ChildProcess>()
  /** Where its ledger is. */
  ledger: string
  /** Added to the environment of every command. */
  readonly environment: Record<string, string>

  private constructor(server: Slapd, folder: string, base: string, desk: string, client: Client) {
    this.server = server
    this.folder = folder
    this.base = base
    this.#desk = desk
    this.#client = client
    this.ledger = `sqlite:${this.path('var/keyturn.db')}`
    this.environment = { DIRECTORY_PASSWORD: server.service.password }
  }

  /** Makes the corner of the directory, the configuration and the roles; the feed is still missing. */
  static async found(server: Slapd, options: CompanyOptions = {}): Promise<Company> {
    companies += 1
    const base = `ou=company${companies},${server.base}`
    const client = await connect(server)
    const desk = await generateIdentity()
    const folder = await mkdtemp(join(tmpdir(), 'keyturn-scenario-'))
    const company = new Company(server, folder, base, desk, client)
    const containers = [base, ...['people', 'groups', 'leavers'].map((name) => `ou=${name},${base}`)]
    for (const dn of containers) await client.add(dn, { objectClass: ['organizationalUnit'] })
    for (const name of options.groups ?? ['staff', 'sales', 'engineers']) await company.addGroup(name)
    await mkdir(join(folder, 'roles'))
    await company.configure(options.config ?? {}, options.url)
    await company.roles(options.roles ?? usualRoles)
    return company
  }

  get serviceDn(): string {
    return this.server.service.dn
  }

  get people(): string {
    return `ou=people,${this.base}`
  }

  get groups(): string {
    return `ou=groups,${this.base}`
  }

  get leavers(): string {
    return `ou=leavers,${this.base}`
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  // ------------------------------------------------------------------------------------------------ what HR and IT write

  async feed(people: readonly Person[]): Promise<void> {
    await this.feedText([columns.join(','), ...people.map(feedLine), ''].join('\n'))
  }

  async feedText(text: string | Buffer): Promise<void> {
    await writeFile(this.path('feed.csv.new'), text)
    await rename(this.path('feed.csv.new'), this.path('feed.csv'))
  }

  async configure(changes: Settings = {}, url = this.server.plainUrl, name = 'keyturn.yaml'): Promise<void> {
    const recipient = await identityToRecipient(this.#desk)
    const settings = merge(usualSettings(this, url, recipient), changes)
    await writeFile(this.path(name), stringify(settings))
  }

  /** To whom first passwords are sealed. */
  recipient(): Promise<string> {
    return identityToRecipient(this.#desk)
  }

  async roles(roles: Settings): Promise<void> {
    await writeFile(this.path('roles/roles.yaml'), stringify({ roles }))
  }

  // ------------------------------------------------------------------------------------------------ the command line

  /** Runs a command to its end, as people do: text for people. */
  async keyturn(...args: string[]): Promise<Run> {
    const child = this.start(...args)
    return finish(child)
  }

  /** Runs a command with --json and reads what it printed. */
  async json(...args: string[]): Promise<Run> {
    return this.keyturn(...args, '--json')
  }

  plan(...args: string[]): Promise<Run> {
    return this.json('plan', ...args)
  }

  apply(...args: string[]): Promise<Run> {
    return this.json('apply', ...args)
  }

  /** Starts a command and lets it run; it is ended with the company at the latest. */
  start(...args: string[]): ChildProcess {
    const child = spawn(program, ['--config', this.path('keyturn.yaml'), ...args], {
      cwd: this.folder,
      env: { ...process.env, NO_COLOR: '1', ...this.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#children.add(child)
    child.once('close', () => this.#children.delete(child))
    return child
  }

  // ------------------------------------------------------------------------------------------------ what the directory has

  /** The directory was restarted. */
  async reconnect(): Promise<void> {
    await this.#client.unbind().catch(() => undefined)
    this.#client = await connect(this.server)
  }

  /** After the server was restarted: the connection of the tests is a new one and has not signed in. */
  async rebind(): Promise<void> {
    await this.#client.bind(this.server.service.dn, this.server.service.password)
  }

  async addGroup(name: string, members: readonly string[] = []): Promise<void> {
    await this.#client.add(`cn=${name},${this.groups}`, {
      objectClass: ['groupOfNames'],
      member: [this.placeholder, ...members],
    })
  }

  get placeholder(): string {
    return `cn=nobody,${this.base}`
  }

  /** Makes an account by another hand. Returns its DN. */
  async addAccount(uid: string, attributes: Readonly<Record<string, string>> = {}): Promise<string> {
    const dn = `uid=${uid},${this.people}`
    await this.#client.add(dn, { objectClass: ['inetOrgPerson'], uid, cn: uid, sn: uid, ...attributes })
    return dn
  }

  async remove(dn: string): Promise<void> {
    await this.#client.del(dn)
  }

  async replace(dn: string, type: string, values: readonly string[]): Promise<void> {
    const modification = new Attribute({ type, values: [...values] })
    await this.#client.modify(dn, new Change({ operation: 'replace', modification }))
  }

  /** As somebody in the IT department who means well: unlocks an account and sets a password, signed in as the server's root. */
  async openByHand(dn: string, password: string): Promise<void> {
    const client = new Client({ url: this.server.plainUrl, timeout: 20_000 })
    await client.bind(this.server.root.dn, this.server.root.password)
    const change = (type: string, values: string[]) =>
      new Change({ operation: 'replace', modification: new Attribute({ type, values }) })
    try {
      // Of the locks the password policy lifts its own by this: an administrator has reset the password.
      await client.modify(dn, [change('userPassword', [password]), change('pwdEndTime', [])])
    } finally {
      await client.unbind()
    }
  }

  /** The account with this employee number, wherever it stands, or null. */
  async account(id: string): Promise<Entry | null> {
    const found = await this.accounts('employeeNumber', id)
    if (found.length > 1) throw new Error(`${found.length} accounts have the employee number ${id}`)
    return found[0] ?? null
  }

  /** As its users see it: nothing is owed, held or refused. */
  async isAllWell(): Promise<boolean> {
    return (await this.keyturn('status')).code === 0
  }

  /** How many accounts there are, wherever they stand. */
  async count(): Promise<number> {
    return (await this.accounts('objectClass', 'inetOrgPerson')).length
  }

  /** The account is shut by the lock that Keyturn sets on OpenLDAP. */
  async isLocked(id: string): Promise<boolean> {
    return (await this.account(id))?.['pwdAccountLockedTime'] === locked
  }

  /** The account stands where those of leavers stand: it was shut before it was moved there. */
  async isAmongLeavers(id: string): Promise<boolean> {
    return (await this.account(id))?.dn.endsWith(this.leavers) === true
  }

  async accounts(attribute: string, value: string): Promise<Entry[]> {
    const { searchEntries } = await this.#client.search(this.base, {
      filter: new EqualityFilter({ attribute, value }),
      attributes: ['*', '+'],
    })
    return searchEntries
  }

  /** DNs of the members of a group, without the placeholder. */
  async members(group: string): Promise<string[]> {
    const { searchEntries } = await this.#client.search(`cn=${group},${this.groups}`, {
      scope: 'base',
      attributes: ['member'],
    })
    const members = [searchEntries[0]?.['member'] ?? []].flat().map(String)
    return members.filter((dn) => dn !== this.placeholder).toSorted()
  }

  /** Everything below the company, for "nothing was changed". */
  async everything(): Promise<string> {
    const { searchEntries } = await this.#client.search(this.base, { attributes: ['*', 'pwdAccountLockedTime'] })
    return JSON.stringify(searchEntries.toSorted((a, b) => (a.dn < b.dn ? -1 : 1)))
  }

  /** The first password of an account, from its hand-over file. */
  async firstPassword(name: string): Promise<string> {
    const files = await readdir(this.path('handover'))
    const newest = files
      .filter((file) => file.startsWith(`${name}-`) && file.endsWith('.age'))
      .toSorted()
      .at(-1)
    if (newest === undefined) throw new Error(`no hand-over file for ${name} among ${files.join(', ')}`)
    const decrypter = new Decrypter()
    decrypter.addIdentity(this.#desk)
    const letter = await decrypter.decrypt(await readFile(this.path(join('handover', newest))), 'text')
    return /^Password: (.+)$/m.exec(letter)?.[1] ?? ''
  }

  /** Tries to sign in: 0, or the result code of the refusal. */
  async signIn(dn: string, password: string): Promise<number> {
    const client = new Client({ url: this.server.plainUrl, timeout: 20_000 })
    try {
      await client.bind(dn, password)
      return 0
    } catch (error) {
      if (error instanceof Error && 'code' in error && typeof error.code === 'number') return error.code
      throw error
    } finally {
      await client.unbind()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL')
    await this.#client.unbind()
    // Processes of a killed daemon end by themselves a moment later, and may still write.
    await rm(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
}

async function connect(server: Slapd): Promise<Client> {
  const client = new Client({ url: server.plainUrl, timeout: 20_000 })
  await client.bind(server.service.dn, server.service.password)
  return client
}

/** Throws with everything that the command said when it ended otherwise. */
export function expectExit(run: Run, code: number): void {
  if (run.code === code) return
  throw new Error(
    `exit code ${run.code} instead of ${code}\n${run.stdout.slice(0, 8_000)}\n${run.stderr.slice(0, 8_000)}`,
  )
}

/** Waits for the end of a started command. A signal that ended it shows as a code above 128. */
export async function finish(child: ChildProcess): Promise<Run> {
  const texts = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text))
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exit, signal) => resolve(exit ?? (signal === 'SIGKILL' ? 137 : 143)))
  })
  return {
    code,
    ...texts,
    get document(): Document {
      try {
        return JSON.parse(texts.stdout)
      } catch {
        throw new Error(`no JSON document; exit code ${code}\n${texts.stdout}\n${texts.stderr}`)
      }
    },
  }
}
