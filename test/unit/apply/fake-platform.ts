import type { AccountRef, ObservedAccount } from '../../../src/model/account.ts'
import { type Change, isLeaver, type LeaverChange, opens } from '../../../src/model/change.ts'
import type { ApplyContext, Connector, Outcome, Proof } from '../../../src/model/connector.ts'

export interface StoredAccount {
  nativeId: string
  name: string
  container: string
  enabled: boolean
  attributes: Record<string, readonly string[]>
  entitlements: Set<string>
  password: string
  expiresAt: number | null
}

/** Runs before every effect on the platform: tests stop, delay or break the world there. */
export type Hook = (what: string) => Promise<void>

/** A platform in memory: every write of every change is one step that a hook can interrupt. */
export class FakePlatform implements Connector {
  readonly id = 'corp'
  readonly accounts = new Map<string, StoredAccount>()
  /** What happened, in order: `create hr:1`, `disable n1`. */
  readonly events: string[] = []
  hook: Hook = async () => undefined
  /** Replaces the outcome of a change, for trouble. */
  trouble: (change: Change) => Outcome | undefined = () => undefined
  /** The platform answers "done" and does nothing. */
  lies: (change: Change) => boolean = () => false
  /** Every opening request asks right before it is sent. Switched off: a planted mistake. */
  asksBeforeSending = true
  proofGrade: Proof['grade'] = 'refused'
  private count = 0

  async check() {
    return []
  }

  async read(scope: 'all' | readonly AccountRef[]) {
    await this.hook('read')
    const all = [...this.accounts.values()]
    const wanted = scope === 'all' ? all : all.filter((account) => scope.some((ref) => refersTo(ref, account)))
    return { complete: true, takenAt: 0, items: wanted.map((account) => this.observed(account)) } as const
  }

  async catalogue() {
    return { complete: true, takenAt: 0, items: [] } as const
  }

  adapt: Connector['adapt'] = (account) => account
  canonical: Connector['canonical'] = (_attribute, value) => value.toLowerCase()
  within: Connector['within'] = (address, container) => address.endsWith(`,${container}`)

  async signsInAs() {
    return null
  }

  async passwordPolicy() {
    return { length: 12, classes: 3, source: 'test' }
  }

  async shut(changes: readonly LeaverChange[], context: ApplyContext): Promise<readonly boolean[]> {
    const shut: boolean[] = []
    for (const change of changes) {
      const account = 'nativeId' in change.target ? this.accounts.get(change.target.nativeId) : undefined
      const fails = account === undefined || this.trouble(change) !== undefined
      if (!fails && !this.lies(change)) await this.lock(account, change, context)
      shut.push(!fails)
    }
    return shut
  }

  async apply(changes: readonly Change[], context: ApplyContext): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = []
    for (const change of changes) outcomes.push(this.trouble(change) ?? (await this.carryOut(change, context)))
    return outcomes
  }

  async prove(account: ObservedAccount, context: ApplyContext): Promise<Proof> {
    await this.hook('prove')
    const stored = this.accounts.get(account.nativeId)
    const at = context.now()
    if (stored?.enabled !== false) return { grade: 'not-proven', at, text: 'the platform still lets the account in' }
    const grade = this.proofGrade
    return { grade, at, resultCode: 49, dataCode: '533', text: `the platform answered ${grade}` }
  }

  async [Symbol.asyncDispose]() {}

  observed(account: StoredAccount): ObservedAccount {
    const { nativeId, name, container, enabled, attributes, entitlements, expiresAt } = account
    const address = `cn=${name},${container}`
    return {
      platform: this.id,
      nativeId,
      name,
      container,
      enabled,
      attributes: { ...attributes },
      expiresAt,
      address,
      entitlements: [...entitlements],
    }
  }

  add(account: Partial<StoredAccount> & { readonly name: string }): StoredAccount {
    this.count += 1
    const stored: StoredAccount = {
      nativeId: `n${this.count}`,
      container: 'ou=staff',
      enabled: true,
      attributes: {},
      entitlements: new Set(),
      password: 'of old',
      expiresAt: null,
      ...account,
    }
    this.accounts.set(stored.nativeId, stored)
    return stored
  }

  private async carryOut(change: Change, context: ApplyContext): Promise<Outcome> {
    if (this.lies(change)) return { result: 'done' }
    if (opens(change) && this.asksBeforeSending && context.mayOpen?.(change.identity) === false) {
      return { result: 'retry', error: { code: 'claim-lost', message: 'not sent' } }
    }
    if (change.kind === 'create') return await this.create(change, context)
    const account = 'nativeId' in change.target ? this.accounts.get(change.target.nativeId) : undefined
    if (account === undefined)
      return { result: 'failed', error: { code: 'object-missing', message: 'no such account' } }
    if (change.kind === 'disable') return await this.disable(account, change, context)
    await this.effect(`${change.kind} ${account.nativeId}`)
    edit(account, change, context)
    if (change.kind === 'delete') this.accounts.delete(account.nativeId)
    const { nativeId, name } = account
    return { result: 'done', account: { nativeId, name, address: this.observed(account).address } }
  }

  private async create(change: Extract<Change, { kind: 'create' }>, context: ApplyContext): Promise<Outcome> {
    const { name, container, enabled, attributes, expiresAt } = change.desired
    const password = context.initialPassword(change.identity)
    await this.effect(`create ${change.identity}`)
    if ([...this.accounts.values()].some((account) => account.name === name)) {
      return { result: 'failed', error: { code: 'name-taken', message: `${name} is taken` } }
    }
    const account = this.add({ name, container, enabled, attributes: { ...attributes }, expiresAt, password })
    return { result: 'done', account: { nativeId: account.nativeId, name, address: `cn=${name},${container}` } }
  }

  private async lock(account: StoredAccount, { identity }: Change, context: ApplyContext): Promise<void> {
    if (context.stepsDone(identity).has('disable')) return
    await this.effect(`disable ${account.nativeId}`)
    account.enabled = false
    await context.stepDone(identity, { step: 'disable', at: context.now(), detail: 'enabled: false' })
  }

  private async disable(account: StoredAccount, change: Change, context: ApplyContext): Promise<Outcome> {
    await this.lock(account, change, context)
    const done = context.stepsDone(change.identity)
    if (isLeaver(change) && !done.has('scramble')) {
      const password = context.scramblePassword(change.identity)
      await this.effect(`scramble ${account.nativeId}`)
      account.password = password
      await context.stepDone(change.identity, { step: 'scramble', at: context.now(), detail: 'password replaced' })
    }
    return { result: 'done', residual: [{ what: 'Kerberos tickets', until: context.now() + 1 }] }
  }

  private async effect(what: string): Promise<void> {
    await this.hook(what)
    this.events.push(what)
  }
}

function refersTo(ref: AccountRef, account: StoredAccount): boolean {
  if ('nativeId' in ref) return ref.nativeId === account.nativeId
  if (ref.name === account.name) return true
  return ref.matches.some(({ attribute, value }) => account.attributes[attribute]?.includes(value) === true)
}

function edit(account: StoredAccount, change: Change, context: ApplyContext): void {
  switch (change.kind) {
    case 'enable':
      account.enabled = true
      break
    case 'rename':
      account.name = change.to
      break
    case 'move':
      account.container = change.to
      break
    case 'update':
      account.attributes[change.field.attribute] =
        'accountOf' in change.field.to ? [context.addressOf(change.field.to.accountOf) ?? ''] : change.field.to
      break
    case 'expire':
      account.expiresAt = change.to
      break
    case 'grant':
      account.entitlements.add(change.entitlement)
      break
    case 'revoke':
      account.entitlements.delete(change.entitlement)
      break
    case 'issue-credential':
      account.password = context.initialPassword(change.identity)
      break
    case 'link':
    case 'create':
    case 'disable':
    case 'delete':
      break
  }
}
