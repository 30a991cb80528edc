import type { AccountRef, CatalogueEntry, ObservedAccount } from '../../model/account.ts'
import { type Change, isLeaver, type LeaverChange, type NewAccount } from '../../model/change.ts'
import type {
  ApplyContext,
  Complaint,
  Connector,
  LastChange,
  Outcome,
  PasswordPolicy,
  Proof,
} from '../../model/connector.ts'
import type { IdentityId } from '../../model/identity.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import { isWithin } from '../directory/dn.ts'
import { applyChanges, shutAccounts } from './apply.ts'
import { canonicalValue, tidyValues } from './attributes.ts'
import { check } from './check.ts'
import { checkNewAccount } from './create.ts'
import { Domain } from './domain.ts'
import type { Tools } from './domain.ts'
import { domainError } from './errors.ts'
import { lastChangeOf } from './last-change.ts'
import { observe } from './observe.ts'
import { readPasswordPolicy } from './policy.ts'
import { prove } from './prove.ts'
import { signedInAs } from './self.ts'

/**
 * The connector for Active Directory, on Windows or Samba. Nothing is sent until a method is called. `url` must be
 * ldaps://; with any other every method fails with `insecure`.
 */
export function openActiveDirectory(settings: DirectorySettings, tools: Tools): Connector {
  return new ActiveDirectory(settings, tools)
}

class ActiveDirectory implements Connector {
  readonly id: string
  readonly #domain: Domain
  /** Whose password was scrambled by this process: the proof of an account asks for it by person. */
  readonly #leavers = new Map<string, IdentityId>()

  constructor(settings: DirectorySettings, tools: Tools) {
    this.id = settings.id
    this.#domain = new Domain(settings, tools)
  }

  check(signal: AbortSignal): Promise<readonly Complaint[]> {
    return check(this.#domain, signal)
  }

  read(scope: 'all' | readonly AccountRef[], signal: AbortSignal): Promise<Snapshot<ObservedAccount>> {
    return observe(this.#domain, scope, signal)
  }

  async catalogue(signal: AbortSignal): Promise<Snapshot<CatalogueEntry>> {
    const takenAt = this.#domain.clock()
    try {
      const groups = await this.#domain.use((connection) => this.#domain.catalogue.fresh(connection, signal))
      return { complete: true, takenAt, items: groups.all.map(({ relativeId: _own, ...entry }) => entry) }
    } catch (error) {
      const cause = domainError(error, { platform: this.id, doing: 'reading the groups of the catalogue' })
      return { complete: false, takenAt, items: [], cause }
    }
  }

  adapt(account: NewAccount): NewAccount {
    const attributes: Record<string, readonly string[]> = {}
    for (const [name, values] of Object.entries(account.attributes)) {
      const tidy = tidyValues(values)
      if (tidy.length > 0) attributes[name] = tidy
    }
    const expiresAt = account.expiresAt === null ? null : Math.trunc(account.expiresAt)
    const adapted = { ...account, attributes, expiresAt }
    checkNewAccount(adapted)
    return adapted
  }

  canonical(attribute: string, value: string): string {
    return canonicalValue(attribute, value)
  }

  within(address: string, container: string): boolean {
    return isWithin(address, container)
  }

  signsInAs(_signal: AbortSignal): Promise<string | null> {
    return this.#domain.use((connection) => signedInAs(this.#domain, connection))
  }

  async lastChange(nativeId: string, signal: AbortSignal): Promise<LastChange | null> {
    try {
      return await this.#domain.use((connection) => {
        signal.throwIfAborted()
        return lastChangeOf(connection, nativeId)
      })
    } catch (error) {
      signal.throwIfAborted()
      throw domainError(error, { platform: this.id, doing: 'asking when an account was changed last' })
    }
  }

  probe(signal: AbortSignal): Promise<void> {
    return this.#domain.probe(signal)
  }

  passwordPolicy(_signal: AbortSignal): Promise<PasswordPolicy> {
    return this.#domain.use((connection) => readPasswordPolicy(this.#domain, connection))
  }

  shut(changes: readonly LeaverChange[], context: ApplyContext): Promise<readonly boolean[]> {
    return shutAccounts(this.#domain, changes, context)
  }

  apply(changes: readonly Change[], context: ApplyContext): Promise<readonly Outcome[]> {
    for (const change of changes) {
      if (isLeaver(change) && 'nativeId' in change.target) this.#leavers.set(change.target.nativeId, change.identity)
    }
    return applyChanges(this.#domain, changes, context)
  }

  prove(account: ObservedAccount, context: ApplyContext): Promise<Proof> {
    const identity = this.#leavers.get(account.nativeId)
    const password = identity === undefined ? undefined : context.scrambled(identity)
    return prove(this.#domain, account, password, context)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#domain[Symbol.asyncDispose]()
  }
}
