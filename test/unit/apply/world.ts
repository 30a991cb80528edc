import type { PersonView, SettlePorts, WorkerView } from '../../../src/apply/ports.ts'
import { settle } from '../../../src/apply/settle.ts'
import { type Change, type Lane, opens } from '../../../src/model/change.ts'
import type { IdentityId } from '../../../src/model/identity.ts'
import type { ObligationPointer } from '../../../src/model/ledger.ts'
import type { Logger } from '../../../src/model/ports.ts'
import { FakeLedger } from './fake-ledger.ts'
import { FakePlatform } from './fake-platform.ts'
import { changesFor, nameOf, type Shape, shutUnseen, type Wish } from './planner.ts'

const shape: Shape = {
  container: 'ou=staff',
  attributes: (identity, { title }) => ({ employeeNumber: [identity], title: [title] }),
}

/** A small Keyturn around `settle`: a planner, a ledger and a platform, all in memory. */
export class World {
  now = 1_000_000
  readonly platform = new FakePlatform()
  readonly ledger = new FakeLedger()
  readonly wishes = new Map<IdentityId, Wish>()
  readonly handedOver = new Map<string, string>()
  readonly log: string[] = []
  strongKey = true
  readonly ports: SettlePorts

  constructor() {
    const say = (level: string) => (message: string, fields?: object) => {
      this.log.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`)
    }
    const logger: Logger = {
      debug: say('debug'),
      info: say('info'),
      change: say('change'),
      warn: say('warn'),
      error: say('error'),
    }
    this.ports = {
      platform: 'corp',
      ledger: this.ledger,
      connector: this.platform,
      worker: 'w',
      leaseMs: 5_000,
      clock: () => this.now,
      logger,
      signal: new AbortController().signal,
      deliveries: {
        prepare: async ({ account, password }) => ({
          finish: async () => void this.handedOver.set(account, password),
          discard: async () => undefined,
        }),
        isFinished: async (_identity, account) => this.handedOver.has(account),
      },
      mustChange: true,
      scrambled: new Map(),
      retry: { revoke: { first: 1_000, most: 60_000 }, change: { first: 1_000, most: 60_000, attempts: 3 } },
      random: () => 0.5,
      observe: () => this.observe(),
      needed: (view, claimed) =>
        this.needed(
          view,
          claimed.map(({ identity }) => identity),
        ),
    }
  }

  wish(identity: IdentityId, wish: Partial<Wish> = {}): void {
    const before = this.wishes.get(identity) ?? { state: 'open', title: 'Clerk', groups: [] }
    this.wishes.set(identity, { ...before, ...wish })
  }

  async observe(): Promise<WorkerView> {
    const read = await this.platform.read('all')
    const links = await this.ledger.links('corp')
    const people = [...this.wishes.keys()].map((identity): readonly [IdentityId, PersonView] => {
      const link = links.find((one) => one.identity === identity) ?? null
      const matches = this.strongKey ? [{ attribute: 'employeeNumber', value: identity }] : []
      const accounts = read.items.filter(
        (account) =>
          account.nativeId === link?.nativeId ||
          (this.strongKey && account.attributes['employeeNumber']?.includes(identity) === true),
      )
      return [identity, { link, accounts, matches, names: [nameOf(identity)], grants: this.ledger.grantsOf(identity) }]
    })
    return { people: new Map(people), passwords: { length: 16, classes: 3, readable: false } }
  }

  needed(view: WorkerView, identities: readonly IdentityId[]): ReadonlyMap<IdentityId, readonly Change[]> {
    return new Map(
      identities.map((identity) => {
        const person = view.people.get(identity)
        const wish = this.wishes.get(identity)
        return [
          identity,
          person === undefined || wish === undefined ? [] : changesFor(identity, person, wish, shape),
        ] as const
      }),
    )
  }

  /** Plans for everybody and admits it; whoever has left is admitted even where nothing is seen yet. */
  async plan(): Promise<readonly ObligationPointer[]> {
    const view = await this.observe()
    for (const [identity, changes] of this.needed(view, [...this.wishes.keys()])) {
      const row = this.ledger.rows.get(identity)
      const isOnTheWay =
        row !== undefined &&
        row.wanted > row.settled &&
        (row.intents.length > 0 || row.changes.some(({ change }) => opens(change)))
      const standby = this.wishes.get(identity)?.state === 'shut' && isOnTheWay && changes.length === 0
      this.admit(identity, standby ? [shutUnseen(identity)] : changes)
    }
    return this.pointers()
  }

  pointers(): readonly ObligationPointer[] {
    return this.ledger.owed().map((identity) => ({
      identity,
      platform: 'corp',
      lane: this.ledger.rows.get(identity)?.lane ?? 'change',
    }))
  }

  settle(pointers: readonly ObligationPointer[], ports: Partial<SettlePorts> = {}) {
    return settle(pointers, { ...this.ports, ...ports })
  }

  /** Plans and settles again and again, time going on, until nothing is owed and nothing is planned. */
  async quiesce(rounds = 12): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      this.now += 120_000
      const pointers = await this.plan()
      if (pointers.length === 0) return
      await this.settle(pointers)
    }
    throw new Error(`still owed after ${rounds} rounds: ${JSON.stringify(this.pointers())}`)
  }

  accountOf(identity: IdentityId) {
    return [...this.platform.accounts.values()].filter((account) =>
      account.attributes['employeeNumber']?.includes(identity),
    )
  }

  /** Accounts of which the record does not say that they were made; for worlds in which nobody else makes any. */
  unrecorded(): readonly string[] {
    const told = this.ledger.records.filter(({ action, result }) => action === 'create' && result === 'done')
    const names = new Set(told.map(({ account }) => account))
    return [...this.platform.accounts.values()].map(({ name }) => name).filter((name) => !names.has(name))
  }

  /** As the ledger does: links are carried out at once, the same changes are not owed twice. */
  private admit(identity: IdentityId, changes: readonly Change[]): void {
    const row = this.ledger.rows.get(identity)
    for (const change of changes) if (change.kind === 'link') this.ledger.linkNow(change, this.now)
    const work = changes.filter(({ kind }) => kind !== 'link')
    if (work.length === 0) return
    const owed = row !== undefined && row.wanted > row.settled
    if (owed && JSON.stringify(row.changes.map(({ change }) => change)) === JSON.stringify(work)) return
    const lane: Lane = this.wishes.get(identity)?.state === 'open' ? 'change' : 'revoke'
    this.ledger.admit(identity, lane, work, this.now)
  }
}
