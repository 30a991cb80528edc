import type { Change, NewAccount } from '../../../../src/model/change.ts'
import type { ObservedAccount } from '../../../../src/model/account.ts'
import type { ApplyContext, Connector, Outcome, RevocationStep } from '../../../../src/model/connector.ts'

/** How a connection to the server goes wrong. `cut`: after so many bytes from the server. */
export type Fault = 'wrong-password' | 'untrusted' | 'down' | { readonly cutAfter: number }

/**
 * A platform for tests. The connector's configuration manages employeeNumber, displayName, title and manager, matches by
 * employeeNumber, and has every group that `makeGroup` makes in its catalogue.
 */
export interface Harness extends AsyncDisposable {
  connect(fault?: Fault): Promise<Connector>
  /** Where accounts are made, and another container for moves. */
  readonly people: string
  readonly elsewhere: string
  /** Account names that are legal but awkward. */
  readonly awkwardNames: readonly string[]
  /** A value that the platform refuses for a managed attribute. */
  readonly refusedValue: { readonly attribute: string; readonly value: string }
  /** What the platform can show at best about a revocation. */
  readonly bestProof: 'refused' | 'read-back'
  /** Makes a group by another hand, with so many members that are none of the accounts under test. */
  makeGroup(name: string, strangers?: number): Promise<void>
  /** The group's members, read by another client; only how many, and whether these addresses are among them. */
  membersOf(name: string, addresses: readonly string[]): Promise<{ count: number; among: readonly string[] }>
  addMemberByHand(name: string, address: string): Promise<void>
  /** Does the platform let this password in? */
  signIn(address: string, password: string): Promise<boolean>
  disableByHand(address: string): Promise<void>
  /** Gives the account what outlives a disable, such as an SSH key, and says how many such things it has. */
  readonly credentials?: { plant(address: string): Promise<void>; count(address: string): Promise<number> }
}

/** An ApplyContext that remembers in memory what the ledger would. */
export class TestContext implements ApplyContext {
  readonly signal = new AbortController().signal
  readonly mustChange = false
  readonly initial = new Map<string, string>()
  readonly scrambles = new Map<string, string>()
  readonly steps = new Map<string, RevocationStep[]>()
  readonly addresses = new Map<string, string>()
  /** People for whom something newer was decided: nothing may be opened for them any more. */
  readonly overtaken = new Set<string>()
  /** So many questions are answered yes before somebody is overtaken, whoever is asked about. */
  asksLeft = Number.POSITIVE_INFINITY
  /** The process dies when it wants to record this step. */
  dieAt: string | null = null
  #next = 0

  now(): number {
    return Date.now()
  }

  mayOpen(identity: string): boolean {
    if (this.asksLeft-- < 1) this.overtaken.add(identity)
    return !this.overtaken.has(identity)
  }

  initialPassword(identity: string): string {
    const password = `Initial-${crypto.randomUUID()}`
    this.initial.set(identity, password)
    return password
  }

  scramblePassword(identity: string): string {
    const password = `Scramble-${crypto.randomUUID()}`
    this.scrambles.set(identity, password)
    return password
  }

  scrambled(identity: string): string | undefined {
    return this.scrambles.get(identity)
  }

  stepsDone(identity: string): ReadonlySet<string> {
    return new Set((this.steps.get(identity) ?? []).map(({ step }) => step))
  }

  async stepDone(identity: string, step: RevocationStep): Promise<void> {
    if (this.dieAt === step.step) throw new Error(`the process died before ${step.step} was recorded`)
    this.steps.set(identity, [...(this.steps.get(identity) ?? []), step])
  }

  addressOf(identity: string): string | undefined {
    return this.addresses.get(identity)
  }

  async allocate(_sequence: string, count: number, floor: number): Promise<number> {
    const first = Math.max(floor, this.#next)
    this.#next = first + count
    return first
  }
}

const reason = { kind: 'rule', text: 'conformance' } as const

/** The changes of one made-up person; names are unique to each check. */
export class Person {
  readonly identity: string
  readonly name: string
  nativeId = ''
  address = ''

  constructor(name: string) {
    this.identity = `test:${name}`
    this.name = name
  }

  create(container: string, more: Partial<NewAccount> = {}): Change {
    const attributes = { employeeNumber: [this.name], displayName: [`Person ${this.name}`], title: ['Engineer'] }
    const desired = { name: this.name, container, enabled: true, attributes, expiresAt: null, ...more }
    return { ...this.base, target: { creates: this.identity }, kind: 'create', desired }
  }

  grant(entitlement: string): Change {
    return { ...this.base, kind: 'grant', entitlement }
  }

  revoke(entitlement: string): Change {
    return { ...this.base, kind: 'revoke', entitlement }
  }

  update(attribute: string, from: readonly string[], to: readonly string[] | { accountOf: string }): Change {
    return { ...this.base, kind: 'update', field: { attribute, from, to } }
  }

  disable<Protocol extends 'leaver' | 'suspend'>(protocol: Protocol) {
    return { ...this.base, kind: 'disable', protocol } as const
  }

  simple(kind: 'enable' | 'delete'): Change {
    return { ...this.base, kind }
  }

  issue(): Change {
    return { ...this.base, kind: 'issue-credential', credential: 'password' }
  }

  relocate(kind: 'rename' | 'move', from: string, to: string): Change {
    return { ...this.base, kind, from, to }
  }

  get base(): Pick<Change, 'identity' | 'platform' | 'target' | 'account' | 'reason'> {
    const target = this.nativeId === '' ? { creates: this.identity } : { nativeId: this.nativeId }
    return { identity: this.identity, platform: 'corp', target, account: this.name, reason }
  }
}

/** One check's surroundings. */
export interface Bench {
  readonly harness: Harness
  readonly connector: Connector
  readonly context: TestContext
  readonly signal: AbortSignal
}

export type Check = (bench: Bench) => Promise<void>

/** Creates accounts and fails unless every one is done; people know their native ids and addresses afterwards. */
export async function createAll({ connector, context, harness }: Bench, names: readonly string[]): Promise<Person[]> {
  const people = names.map((name) => new Person(name))
  const outcomes = await connector.apply(
    people.map((person) => person.create(harness.people)),
    context,
  )
  people.forEach((person, index) => {
    const outcome = outcomes[index]
    if (outcome?.result !== 'done' || outcome.account === undefined) {
      throw new Error(`creating ${person.name}: ${outcome?.result} ${outcome?.error?.message}`)
    }
    person.nativeId = outcome.account.nativeId
    person.address = outcome.account.address
    context.addresses.set(person.identity, person.address)
  })
  return people
}

export async function createOne(bench: Bench, name: string): Promise<Person> {
  const [person] = await createAll(bench, [name])
  if (person === undefined) throw new Error('no outcome')
  return person
}

/** The account as a fresh read has it; fails where it is not there. */
export async function readOne({ connector, signal }: Bench, person: Person): Promise<ObservedAccount> {
  const snapshot = await connector.read([{ nativeId: person.nativeId }], signal)
  if (!snapshot.complete) throw snapshot.cause
  const [account, ...others] = snapshot.items
  if (account === undefined || others.length > 0)
    throw new Error(`${snapshot.items.length} accounts were read instead of one`)
  return account
}

/** Carries out changes and gives back only the words. */
export async function results(bench: Bench, changes: readonly Change[]): Promise<string[]> {
  return (await bench.connector.apply(changes, bench.context)).map((outcome) => outcome.result)
}

export async function only(bench: Bench, change: Change): Promise<Outcome> {
  const [outcome] = await bench.connector.apply([change], bench.context)
  if (outcome === undefined) throw new Error('no outcome')
  return outcome
}

/** What a person's first password is. */
export function passwordOf(bench: Bench, person: Person): string {
  return bench.context.initial.get(person.identity) ?? ''
}
