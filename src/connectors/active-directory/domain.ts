import { KeyturnError } from '../../model/errors.ts'
import type { Clock } from '../../model/instant.ts'
import type { Logger, Secrets } from '../../model/ports.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import type { Connection } from '../directory/connection.ts'
import { isWithin } from '../directory/dn.ts'
import type { Entry } from '../directory/entry.ts'
import { GroupWriter } from '../directory/group-writer.ts'
import { Pool } from '../directory/pool.ts'
import type { DirectoryAccess, UseOptions } from '../directory/pool.ts'
import { probe } from '../directory/probe.ts'
import { readEntry } from '../directory/search.ts'
import { Tries } from '../directory/tries.ts'
import { Catalogue } from './catalogue.ts'
import { ownSignInError } from './errors.ts'
import { dnsDomain } from './names.ts'

export interface Tools {
  readonly secrets: Secrets
  readonly logger: Logger
  readonly clock: Clock
}

/** A domain controller writes groups hardly faster side by side, and those that wait take more people with them. */
const groupsAtOnce = 2

/** One domain, as the configuration names it, and the connections to it. */
export class Domain implements AsyncDisposable {
  readonly settings: DirectorySettings
  readonly clock: Clock
  readonly catalogue = new Catalogue(this)
  readonly groups = new GroupWriter(groupsAtOnce)
  readonly #access: DirectoryAccess
  readonly #pool: Pool
  readonly #tries: Tries
  #namingContext: string | undefined

  constructor(settings: DirectorySettings, tools: Tools) {
    this.settings = settings
    this.clock = tools.clock
    this.#access = { settings, secrets: tools.secrets, logger: tools.logger }
    this.#pool = new Pool(this.#access)
    this.#tries = new Tries(settings)
  }

  get id(): string {
    return this.settings.id
  }

  /** What follows the @ of userPrincipalName. */
  get principalSuffix(): string {
    return this.settings.schema.upnSuffix ?? dnsDomain(this.settings.base)
  }

  /**
   * Runs `work` on a connection that is encrypted and signed in. Without TLS nothing is sent, not even our own password.
   * @throws KeyturnError `insecure`, and as `Pool.use`
   */
  async use<T>(work: (connection: Connection) => Promise<T>, options?: UseOptions): Promise<T> {
    demandTls(this.settings)
    try {
      return await this.#pool.use(work, options)
    } catch (error) {
      throw ownSignInError(error, this.settings)
    }
  }

  /** Resolves when the domain controller answers after a sign-in on a connection of its own. @throws as `use` */
  async probe(signal: AbortSignal): Promise<void> {
    demandTls(this.settings)
    try {
      await probe(this.#access, signal)
    } catch (error) {
      throw ownSignInError(error, this.settings)
    }
  }

  /** Tries to sign in as somebody else. @throws LdapResultError when that is refused, KeyturnError when there was no answer */
  async signInAs(dn: string, password: string): Promise<void> {
    demandTls(this.settings)
    await this.#tries.signIn(dn, password)
  }

  /** The top of the domain that `base` is in, where names must be unique; `base` itself may be a part of it only. */
  async namingContext(connection: Connection): Promise<string> {
    this.#namingContext ??= await this.#readNamingContext(connection)
    return this.#namingContext
  }

  async #readNamingContext(connection: Connection): Promise<string> {
    const root = await readRoot(connection, ['defaultNamingContext'])
    const context = root.text('defaultNamingContext')
    if (context !== undefined && isWithin(this.settings.base, context)) return context
    throw new KeyturnError(
      'config-invalid',
      `${this.id}: base "${this.settings.base}" is not in the domain of this domain controller, ${context ?? 'which names none'}.`,
      { hint: 'Name a domain controller of that domain in `url`, or correct `base`.' },
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#pool[Symbol.asyncDispose](), this.#tries[Symbol.asyncDispose]()])
  }
}

/** What the domain controller says of itself to everybody. */
export async function readRoot(connection: Connection, attributes: readonly string[]): Promise<Entry> {
  const root = await readEntry(connection, '', attributes)
  if (root !== undefined) return root
  throw new KeyturnError(
    'platform-untrusted',
    `${connection.endpoint.where} shows no root entry: it is no domain controller.`,
  )
}

/** @throws KeyturnError `insecure` */
function demandTls(settings: DirectorySettings): void {
  if (/^ldaps:/i.test(settings.url)) return
  throw new KeyturnError(
    'insecure',
    `${settings.id}: ${settings.url} is not encrypted, and passwords would travel over it.`,
    {
      hint: 'Active Directory is managed over ldaps:// only, also on this machine.',
    },
  )
}
