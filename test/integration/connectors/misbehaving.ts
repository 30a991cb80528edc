// A platform in memory that keeps to everything, unless it is told to misbehave in one way: the conformance suite must notice.
import type { AccountRef, CatalogueEntry, ObservedAccount } from '../../../src/model/account.ts'
import { opens } from '../../../src/model/change.ts'
import type { Change, LeaverChange, NewAccount } from '../../../src/model/change.ts'
import type {
  ApplyContext,
  Complaint,
  Connector,
  Outcome,
  PasswordPolicy,
  Proof,
} from '../../../src/model/connector.ts'
import { KeyturnError, summarise } from '../../../src/model/errors.ts'
import type { ErrorCode } from '../../../src/model/errors.ts'
import type { Snapshot } from '../../../src/model/snapshot.ts'
import type { Fault, Harness } from './conformance.ts'

/** Ways in which connectors of this field have been seen to fail. */
export type Misbehaviour =
  | 'toggles instead of setting'
  | 'calls a cut read complete'
  | 'loses the last account of a bulk read'
  | 'finds everybody when a name holds an asterisk'
  | 'says done and does nothing'
  | 'forgets what an account is a member of'
  | 'fails the whole batch for one existing member'
  | 'calls an absent member a failure'
  | 'takes strangers out of groups'
  | 'gives a renamed account another native id'
  | 'gives outcomes in another order'
  | 'throws for one bad item'
  | 'takes over an account of the same name'
  | 'overwrites what another hand has changed'
  | 'lets one bad value keep the others back'
  | 'leaves the old password of a leaver alive'
  | 'loses the password of a suspended account'
  | 'proves what it has not tried'
  | 'goes on after a step that was not recorded'
  | 'leaves keys behind'
  | 'calls a wrong password a network problem'
  | 'opens an account when it gets a password'
  | 'ignores what another hand has disabled'
  | 'sets a reference to an account that is not there'
  | 'reports a deleted account as an error'
  | 'opens without asking'
  | 'asks once for many'
  | 'asks before it shuts, too'
  | 'calls an account shut that it has not touched'
  | 'throws where it cannot shut'

interface Stored {
  nativeId: string
  name: string
  container: string
  enabled: boolean
  password: string
  keys: number
  attributes: Record<string, readonly string[]>
}

interface World {
  readonly accounts: Map<string, Stored>
  readonly groups: Map<string, Set<string>>
  count: number
}

const addressOf = ({ name, container }: Stored): string => `${name}@${container}`
const sorry = (code: ErrorCode, message: string): Outcome => ({ result: 'failed', error: { code, message } })

const notSent: Outcome = { result: 'retry', error: { code: 'claim-lost', message: 'something newer is owed' } }

class MemoryConnector implements Connector {
  readonly id = 'corp'
  readonly #world: World
  readonly #is: (way: Misbehaviour) => boolean
  readonly #fault: Fault | undefined

  constructor(world: World, misbehaviour: Misbehaviour | null, fault: Fault | undefined) {
    this.#world = world
    this.#is = (way) => way === misbehaviour
    this.#fault = fault
  }

  async check(): Promise<readonly Complaint[]> {
    return []
  }

  async read(scope: 'all' | readonly AccountRef[]): Promise<Snapshot<ObservedAccount>> {
    const cause = this.#trouble()
    const accounts = [...this.#world.accounts.values()]
    const items = accounts.filter((account) => scope === 'all' || scope.some((ref) => this.#fits(account, ref)))
    if (cause !== null && !this.#is('calls a cut read complete'))
      return { complete: false, takenAt: 0, items: [], cause }
    const cut = cause !== null || (scope === 'all' && this.#is('loses the last account of a bulk read'))
    return {
      complete: true,
      takenAt: 0,
      items: (cut ? items.slice(0, -1) : items).map((account) => this.#observe(account)),
    }
  }

  async catalogue(): Promise<Snapshot<CatalogueEntry>> {
    const items = [...this.#world.groups.keys()].map((name): CatalogueEntry => {
      return { platform: this.id, name, nativeId: name, address: name, members: 'additive', privileged: false }
    })
    return { complete: true, takenAt: 0, items }
  }

  adapt(account: NewAccount): NewAccount {
    const attributes = Object.entries(account.attributes).map(
      ([name, values]) => [name, values.filter(Boolean)] as const,
    )
    return { ...account, attributes: Object.fromEntries(attributes.filter(([, values]) => values.length > 0)) }
  }

  canonical(_attribute: string, value: string): string {
    return value
  }

  within(address: string, container: string): boolean {
    return address.endsWith(`@${container}`)
  }

  async signsInAs(): Promise<string | null> {
    return null
  }

  async passwordPolicy(): Promise<PasswordPolicy> {
    return { length: 0, classes: 1, source: 'memory' }
  }

  async shut(changes: readonly LeaverChange[], context: ApplyContext): Promise<readonly boolean[]> {
    const trouble = this.#trouble()
    if (trouble !== null && this.#is('throws where it cannot shut')) throw trouble
    const shut: boolean[] = []
    for (const { target, identity } of changes) {
      const account = 'nativeId' in target ? this.#world.accounts.get(target.nativeId) : undefined
      shut.push(trouble === null && account !== undefined)
      if (trouble !== null || account === undefined) continue
      if (!this.#is('calls an account shut that it has not touched')) account.enabled = false
      await context.stepDone(identity, { step: 'disable', at: context.now(), detail: '' })
    }
    return shut
  }

  async apply(changes: readonly Change[], context: ApplyContext): Promise<readonly Outcome[]> {
    const created = new Map<string, string>()
    const outcomes: Outcome[] = []
    const ask = this.#asking(context)
    for (const change of changes) {
      const asks = opens(change) || (change.kind === 'expire' && (change.to ?? Infinity) > context.now())
      const may = (!asks && !this.#is('asks before it shuts, too')) || ask(change.identity)
      outcomes.push(may ? await this.#one(change, context, created) : notSent)
    }
    const collided = changes.some((change, n) => change.kind === 'grant' && outcomes[n]?.result === 'already')
    if (collided && this.#is('fails the whole batch for one existing member')) {
      return changes.map(() => sorry('precondition-failed', 'value exists'))
    }
    if (
      this.#is('lets one bad value keep the others back') &&
      outcomes.some(({ error }) => error?.code === 'value-refused')
    ) {
      return changes.map(() => sorry('value-refused', 'title'))
    }
    return this.#is('gives outcomes in another order') ? outcomes.toReversed() : outcomes
  }

  async prove(account: ObservedAccount, context: ApplyContext): Promise<Proof> {
    const at = context.now()
    const stored = this.#world.accounts.get(account.nativeId)
    const shut = stored !== undefined && !stored.enabled
    if (shut || this.#is('proves what it has not tried'))
      return { grade: 'refused', at, resultCode: 53, text: 'it was refused' }
    return { grade: 'not-proven', at, text: 'it is open' }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is held.
  }

  /** May something be opened for that person? */
  #asking(context: ApplyContext): (identity: string) => boolean {
    if (this.#is('opens without asking')) return () => true
    let first: boolean | undefined
    return (identity) => {
      if (!this.#is('asks once for many')) return context.mayOpen?.(identity) ?? true
      first ??= context.mayOpen?.(identity) ?? true
      return first
    }
  }

  #trouble(): KeyturnError | null {
    if (this.#fault === undefined) return null
    if (this.#fault === 'untrusted') return new KeyturnError('platform-untrusted', 'who are you?')
    const refused = this.#fault === 'wrong-password' && !this.#is('calls a wrong password a network problem')
    return new KeyturnError(refused ? 'platform-sign-in-refused' : 'platform-unreachable', 'no')
  }

  #fits(account: Stored, ref: AccountRef): boolean {
    if ('nativeId' in ref) return account.nativeId === ref.nativeId
    if (ref.name.includes('*') && this.#is('finds everybody when a name holds an asterisk')) return true
    const matched = ref.matches.some(({ attribute, value }) => account.attributes[attribute]?.includes(value) === true)
    return account.name === ref.name || matched
  }

  #observe(stored: Stored): ObservedAccount {
    const { nativeId, name, container, enabled, attributes } = stored
    const address = addressOf(stored)
    const held = [...this.#world.groups].filter(([, members]) => members.has(address)).map(([group]) => group)
    const entitlements = this.#is('forgets what an account is a member of') ? [] : held
    const seen = enabled || this.#is('ignores what another hand has disabled')
    const filled = Object.fromEntries(Object.entries(attributes).filter(([, values]) => values.length > 0))
    return {
      platform: this.id,
      nativeId,
      address,
      name,
      container,
      enabled: seen,
      attributes: filled,
      entitlements,
      expiresAt: null,
    }
  }

  async #one(change: Change, context: ApplyContext, created: Map<string, string>): Promise<Outcome> {
    const trouble = this.#trouble()
    if (trouble !== null) return { result: 'retry', error: summarise(trouble) }
    if (change.kind === 'create') return this.#create(change, context, created)
    const id = 'nativeId' in change.target ? change.target.nativeId : (created.get(change.identity) ?? '')
    const account = this.#world.accounts.get(id)
    if (account === undefined) {
      if (this.#is('throws for one bad item')) throw new Error('no such account')
      const gone = change.kind === 'delete' && !this.#is('reports a deleted account as an error')
      return gone ? { result: 'already' } : sorry('object-missing', 'no such account')
    }
    if (this.#is('says done and does nothing')) return { result: 'done' }
    return this.#change(account, change, context)
  }

  #create(change: Extract<Change, { kind: 'create' }>, context: ApplyContext, created: Map<string, string>): Outcome {
    const { name, container, enabled } = change.desired
    const taken = [...this.#world.accounts.values()].find((account) => account.name === name)
    if (taken !== undefined && !this.#is('takes over an account of the same name')) return sorry('name-taken', name)
    const nativeId = taken?.nativeId ?? `id-${this.#world.count++}`
    const password = enabled ? context.initialPassword(change.identity) : context.scramblePassword(change.identity)
    const { attributes } = this.adapt(change.desired)
    const account: Stored = { nativeId, name, container, enabled, password, keys: 0, attributes: { ...attributes } }
    this.#world.accounts.set(nativeId, account)
    created.set(change.identity, nativeId)
    return { result: 'done', account: { nativeId, address: addressOf(account), name } }
  }

  async #change(account: Stored, change: Exclude<Change, { kind: 'create' }>, context: ApplyContext): Promise<Outcome> {
    switch (change.kind) {
      case 'disable':
        return this.#disable(account, change, context)
      case 'enable':
        if (account.enabled) return { result: 'already' }
        account.enabled = true
        return { result: 'done' }
      case 'issue-credential':
        account.password = context.initialPassword(change.identity)
        if (this.#is('opens an account when it gets a password')) account.enabled = true
        return { result: 'done' }
      case 'update':
        return this.#update(account, change, context)
      case 'rename':
      case 'move':
        return this.#relocate(account, change)
      case 'grant':
      case 'revoke':
        return this.#membership(account, change)
      case 'delete':
        this.#world.accounts.delete(account.nativeId)
        return { result: 'done' }
      case 'link':
      case 'expire':
        return { result: 'done' }
    }
  }

  async #disable(
    account: Stored,
    change: Extract<Change, { kind: 'disable' }>,
    context: ApplyContext,
  ): Promise<Outcome> {
    const { identity } = change
    const was = account.enabled
    account.enabled = this.#is('toggles instead of setting') ? !account.enabled : false
    if (change.protocol === 'suspend') {
      if (this.#is('loses the password of a suspended account')) account.password = ''
      return { result: was ? 'done' : 'already' }
    }
    const record = async (step: string): Promise<void> => {
      try {
        await context.stepDone(identity, { step, at: context.now(), detail: '' })
      } catch (error) {
        if (!this.#is('goes on after a step that was not recorded')) throw error
      }
    }
    try {
      if (!context.stepsDone(identity).has('disable')) await record('disable')
      const password = context.scramblePassword(identity)
      if (!this.#is('leaves the old password of a leaver alive')) account.password = password
      await record('scramble')
      if (!this.#is('leaves keys behind')) account.keys = 0
      return { result: 'done', residual: [{ what: 'open sessions', until: null }] }
    } catch (error) {
      return { result: 'retry', error: summarise(error) }
    }
  }

  #update(account: Stored, { field }: Extract<Change, { kind: 'update' }>, context: ApplyContext): Outcome {
    const held = account.attributes[field.attribute] ?? []
    const address = 'accountOf' in field.to ? context.addressOf(field.to.accountOf) : undefined
    const blind = this.#is('sets a reference to an account that is not there')
    if ('accountOf' in field.to && address === undefined && !blind) {
      return { result: 'waiting', error: { code: 'reference-waits', message: 'not there yet' } }
    }
    const to = 'accountOf' in field.to ? [address ?? ''] : field.to
    if (to.includes('refused')) return sorry('value-refused', `${field.attribute} was refused`)
    if (String(held) === String(to)) return { result: 'already' }
    if (String(held) !== String(field.from) && !this.#is('overwrites what another hand has changed')) {
      return { result: 'retry', error: { code: 'precondition-failed', message: 'changed meanwhile' } }
    }
    account.attributes[field.attribute] = to
    return { result: 'done' }
  }

  #relocate(account: Stored, change: Extract<Change, { kind: 'rename' | 'move' }>): Outcome {
    const before = { ...account }
    if (change.kind === 'rename') account.name = change.to
    else account.container = change.to
    const same = addressOf(before) === addressOf(account)
    for (const members of this.#world.groups.values()) {
      if (members.delete(addressOf(before))) members.add(addressOf(account))
    }
    if (!same && this.#is('gives a renamed account another native id')) {
      this.#world.accounts.delete(account.nativeId)
      account.nativeId = `id-${this.#world.count++}`
      this.#world.accounts.set(account.nativeId, account)
    }
    const { nativeId, name } = account
    return { result: same ? 'already' : 'done', account: { nativeId, address: addressOf(account), name } }
  }

  #membership(account: Stored, change: Extract<Change, { kind: 'grant' | 'revoke' }>): Outcome {
    const members = this.#world.groups.get(change.entitlement)
    if (members === undefined) return sorry('object-missing', 'no such group')
    const address = addressOf(account)
    const has = members.has(address)
    if (change.kind === 'grant') {
      members.add(address)
      return { result: has ? 'already' : 'done' }
    }
    if (!has && this.#is('calls an absent member a failure')) return sorry('precondition-failed', 'no such value')
    members.delete(address)
    if (this.#is('takes strangers out of groups')) members.clear()
    return { result: has ? 'done' : 'already' }
  }
}

/** A harness for it; nothing but memory is behind it. */
export function memoryHarness(misbehaviour: Misbehaviour | null): Harness {
  const world: World = { accounts: new Map(), groups: new Map(), count: 0 }
  const find = (address: string): Stored | undefined =>
    [...world.accounts.values()].find((account) => addressOf(account) === address)
  return {
    people: 'people',
    elsewhere: 'elsewhere',
    awkwardNames: ['smith, ann', '李小龍'],
    refusedValue: { attribute: 'title', value: 'refused' },
    bestProof: 'refused',
    connect: async (fault) => new MemoryConnector(world, misbehaviour, fault),
    async makeGroup(name, strangers = 0) {
      world.groups.set(name, new Set(Array.from({ length: strangers }, (_, n) => `stranger-${n}`)))
    },
    async membersOf(name, addresses) {
      const members = world.groups.get(name) ?? new Set()
      return { count: members.size, among: addresses.filter((address) => members.has(address)) }
    },
    async addMemberByHand(name, address) {
      world.groups.get(name)?.add(address)
    },
    async signIn(address, password) {
      const account = find(address)
      return account !== undefined && account.enabled && account.password === password && password !== ''
    },
    async disableByHand(address) {
      const account = find(address)
      if (account !== undefined) account.enabled = false
    },
    credentials: {
      async plant(address) {
        const account = find(address)
        if (account !== undefined) account.keys = 2
      },
      async count(address) {
        return find(address)?.keys ?? 0
      },
    },
    async [Symbol.asyncDispose]() {
      world.accounts.clear()
    },
  }
}
