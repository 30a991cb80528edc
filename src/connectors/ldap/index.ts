import type { AccountRef, CatalogueEntry, ObservedAccount } from '../../model/account.ts'
import type { Change, LeaverChange, NewAccount } from '../../model/change.ts'
import type {
  ApplyContext,
  Complaint,
  Connector,
  LastChange,
  Outcome,
  PasswordPolicy,
  Proof,
} from '../../model/connector.ts'
import type { Clock } from '../../model/instant.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import type { Connection } from '../directory/connection.ts'
import { isWithin } from '../directory/dn.ts'
import { directoryError } from '../directory/errors.ts'
import { GroupWriter } from '../directory/group-writer.ts'
import { Remembered } from '../directory/remembered.ts'
import { probe } from '../directory/probe.ts'
import { Pool } from '../directory/pool.ts'
import type { DirectoryAccess, UseOptions } from '../directory/pool.ts'
import { Tries } from '../directory/tries.ts'
import { applyChanges, shutAccounts } from './apply.ts'
import { readCatalogue } from './catalogue.ts'
import type { Catalogue } from './catalogue.ts'
import { complaintsOf } from './check.ts'
import { proveShut } from './leaver.ts'
import { lastChangeOf } from './last-change.ts'
import { failed } from './memberships.ts'
import { highestUidNumber } from './numbers.ts'
import { readAll, readRefs } from './read.ts'
import { discover } from './server.ts'
import type { ServerFacts } from './server.ts'
import { request } from './session.ts'
import type { Habits, Scramble, Session } from './session.ts'
import { adaptAccount, canonicalValue } from './values.ts'

/** OpenLDAP, 389 Directory Server and their like. It connects when it is first used. */
export function openLdap(
  settings: DirectorySettings,
  tools: Omit<DirectoryAccess, 'settings'> & { clock: Clock },
): Connector {
  return new LdapConnector(settings, tools)
}

class LdapConnector implements Connector {
  readonly id: string
  readonly #settings: DirectorySettings
  readonly #clock: Clock
  readonly #access: DirectoryAccess
  readonly #pool: Pool
  readonly #groups = new GroupWriter()
  readonly #scrambles = new Map<string, Scramble>()
  readonly #habits: Habits = { saysLocked: false }
  readonly #tries: Tries
  readonly #facts = new Remembered<ServerFacts>()
  readonly #catalogue = new Remembered<Catalogue>()
  readonly #highest = new Remembered<number>()
  #known: ServerFacts | null = null

  constructor(settings: DirectorySettings, tools: Omit<DirectoryAccess, 'settings'> & { clock: Clock }) {
    this.id = settings.id
    this.#settings = settings
    this.#clock = tools.clock
    this.#access = { ...tools, settings }
    this.#pool = new Pool(this.#access)
    this.#tries = new Tries(settings)
  }

  async check(signal: AbortSignal): Promise<readonly Complaint[]> {
    this.#facts.forget()
    const [facts, catalogue] = [await this.#discover(), await this.#readCatalogue(signal)]
    const now = this.#clock()
    return this.#pool.use((connection) =>
      complaintsOf({ settings: this.#settings, facts, catalogue, connection, now, signal }),
    )
  }

  read(scope: 'all' | readonly AccountRef[], signal: AbortSignal): Promise<Snapshot<ObservedAccount>> {
    return this.#snapshot('reading accounts', async () => {
      // Somebody may have changed the password policy, and with it what shuts an account here.
      if (scope === 'all') this.#facts.forget()
      const catalogue = await (scope === 'all' ? this.#readCatalogue(signal) : this.#knownCatalogue(signal))
      const facts = await this.#discover()
      const port = { settings: this.#settings, facts, catalogue, signal, use: this.#use }
      return scope === 'all' ? readAll(port) : readRefs(port, scope)
    })
  }

  catalogue(signal: AbortSignal): Promise<Snapshot<CatalogueEntry>> {
    return this.#snapshot('reading groups', async () => [...(await this.#readCatalogue(signal)).byName.values()])
  }

  adapt(account: NewAccount): NewAccount {
    return adaptAccount(this.#settings, this.#known, account)
  }

  canonical(attribute: string, value: string): string {
    return canonicalValue(this.#settings, attribute, value)
  }

  within(address: string, container: string): boolean {
    return isWithin(address, container)
  }

  async signsInAs(): Promise<string> {
    return this.#settings.bind.dn
  }

  async lastChange(nativeId: string, signal: AbortSignal): Promise<LastChange | null> {
    const where = { settings: this.#settings, facts: await this.#discover(), now: this.#clock() }
    const what = { doing: 'asking who changed an account last', again: true }
    return request({ settings: this.#settings, use: this.#use }, what, (connection) => {
      signal.throwIfAborted()
      return lastChangeOf(connection, where, nativeId)
    })
  }

  probe(signal: AbortSignal): Promise<void> {
    return probe(this.#access, signal)
  }

  async passwordPolicy(): Promise<PasswordPolicy> {
    const policy = (await this.#discover()).policy
    if (policy === null) return { length: 0, classes: 1, source: 'the server tells of no policy' }
    return { length: policy.minLength, classes: 1, source: policy.source }
  }

  async shut(changes: readonly LeaverChange[], context: ApplyContext): Promise<readonly boolean[]> {
    try {
      return await shutAccounts(await this.#session(context), changes)
    } catch {
      // Whatever it was, `apply` meets it, and tells it.
      return changes.map(() => false)
    }
  }

  async apply(changes: readonly Change[], context: ApplyContext): Promise<readonly Outcome[]> {
    try {
      return await applyChanges(await this.#session(context, changes), changes)
    } catch (error) {
      // Only what concerns them all comes here: no connection, no root DSE, no catalogue.
      return changes.map(() => failed(error))
    }
  }

  async prove(account: ObservedAccount, context: ApplyContext): Promise<Proof> {
    const session = await this.#session(context)
    return proveShut(session, account)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#pool[Symbol.asyncDispose](), this.#tries[Symbol.asyncDispose]()])
  }

  readonly #use = <T>(work: (connection: Connection) => Promise<T>, options?: UseOptions): Promise<T> =>
    this.#pool.use(work, options)

  async #session(context: ApplyContext, changes: readonly Change[] = []): Promise<Session> {
    const settings = this.#settings
    // A group may have come since the catalogue was read, by another process that planned with it.
    const { byName } = await this.#knownCatalogue(context.signal)
    if (changes.some((change) => 'entitlement' in change && !byName.has(change.entitlement))) this.#catalogue.forget()
    return {
      settings,
      facts: await this.#discover(),
      catalogue: await this.#knownCatalogue(context.signal),
      groups: this.#groups,
      context,
      scrambles: this.#scrambles,
      habits: this.#habits,
      tries: this.#tries,
      use: this.#use,
      highestUidNumber: () => this.#highestUidNumber(context.signal),
    }
  }

  /** A read that fails anywhere has proven nothing: what was seen until then is not returned as if it were all. */
  async #snapshot<T>(doing: string, read: () => Promise<readonly T[]>): Promise<Snapshot<T>> {
    const takenAt = this.#clock()
    try {
      return { complete: true, takenAt, items: await read() }
    } catch (error) {
      const cause = directoryError(error, { platform: this.id, doing })
      return { complete: false, takenAt, items: [], cause }
    }
  }

  async #discover(): Promise<ServerFacts> {
    const { settings, use } = { settings: this.#settings, use: this.#use }
    const what = { doing: 'reading the root DSE and the schema', again: true }
    this.#known = await this.#facts.get(() =>
      request({ settings, use }, what, (connection) => discover(connection, settings.base)),
    )
    return this.#known
  }

  #knownCatalogue(signal: AbortSignal): Promise<Catalogue> {
    return this.#catalogue.get(() => this.#loadCatalogue(signal))
  }

  #readCatalogue(signal: AbortSignal): Promise<Catalogue> {
    this.#catalogue.forget()
    return this.#knownCatalogue(signal)
  }

  async #loadCatalogue(signal: AbortSignal): Promise<Catalogue> {
    const facts = await this.#discover()
    return this.#use((connection) => readCatalogue(connection, this.#settings, facts, signal), { again: true })
  }

  async #highestUidNumber(signal: AbortSignal): Promise<number> {
    const numbers = this.#settings.schema.posix?.uidNumbers
    if (numbers === undefined) return 0
    const read = (connection: Connection): Promise<number> =>
      highestUidNumber(connection, this.#settings, numbers, signal)
    return this.#highest.get(() => this.#use(read))
  }
}
