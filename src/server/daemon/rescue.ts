// Revoking while the ledger cannot be written (law 3): a full disk, a process that holds its lock and hangs. Accounts are shut
// by the same protocol, and what was done is spooled beside the ledger until it can take it.
import type { SettleLedger, SettleReport } from '../../apply/ports.ts'
import { revokeNow } from '../../apply/revoke-now.ts'
import { settle, settleClaimed, shuttingFirst } from '../../apply/settle.ts'
import { openSpool } from '../../apply/spool.ts'
import type { Spool } from '../../apply/spool.ts'
import { openStandby, shutIn } from '../../apply/standby-ledger.ts'
import type { StandbyLedger } from '../../apply/standby-ledger.ts'
import type { Change } from '../../model/change.ts'
import type { RevocationStep } from '../../model/connector.ts'
import { KeyturnError, summarise } from '../../model/errors.ts'
import type { Identity, IdentityId, LifecycleEvent } from '../../model/identity.ts'
import { SECOND } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { AuditRecord, ClaimedObligation, ObligationPointer } from '../../model/ledger.ts'
import type { Trouble } from '../../model/running.ts'
import { inTime } from '../../queue/patience.ts'
import { planConcerned } from '../concerned.ts'
import { storyOf } from '../context.ts'
import type { Keyturn } from '../context.ts'
import { overlaid } from '../people.ts'
import type { Settling } from '../settling.ts'
import { every } from '../every.ts'

type RevokePorts = NonNullable<ReturnType<Settling['ports']>>

const lookEvery = SECOND
/** Of the looks while all is well, only every fifth asks the disk. */
const quietly = 5
const answerAtMost = SECOND

export class Rescue implements AsyncDisposable {
  readonly #keyturn: Keyturn
  readonly #settling: Pick<Settling, 'ports'>
  readonly #spool: Spool
  readonly #standby: StandbyLedger
  readonly #patience: number
  readonly #stop = new AbortController()
  readonly #timer: Disposable
  #looks = 0
  /** Platforms on which somebody was shut during this outage. */
  readonly #shut = new Map<IdentityId, Set<string>>()
  #back: (() => void)[] = []
  #onTaken: () => void = () => undefined
  #trouble: Trouble | null = null
  readonly #doubts: () => boolean
  #looking: Promise<void> | null = null

  /**
   * @param patience how long the ledger is waited for before somebody is shut without it, ms
   * @param doubts has somebody else failed to write the ledger?
   */
  constructor(
    keyturn: Keyturn,
    settling: Pick<Settling, 'ports'>,
    spool: Spool,
    patience = 1_500,
    doubts: () => boolean = () => false,
  ) {
    this.#patience = patience
    this.#doubts = doubts
    this.#keyturn = keyturn
    this.#settling = settling
    this.#spool = spool
    this.#standby = openStandby(keyturn.ledger, spool)
    this.#timer = every(lookEvery, () => this.#look())
    this.#look()
  }

  static async open(keyturn: Keyturn, settling: Settling, doubts: () => boolean): Promise<Rescue> {
    const { settings, clock, logger } = keyturn
    const spool = await openSpool(settings.state.folder, clock, logger)
    await spool.keepSpare()
    return new Rescue(keyturn, settling, spool, undefined, doubts)
  }

  /** Why the ledger could not be written when it was tried last; null: it could. */
  get trouble(): Trouble | null {
    return this.#trouble
  }

  /** People who were shut and of whom the ledger does not know it yet. */
  get spooled(): number {
    return this.#shut.size
  }

  /** Called once, when the ledger can be written again. */
  onceBack(listener: () => void): void {
    this.#back.push(listener)
  }

  /** The ledger knows what was spooled; what the sources say by now must be read. */
  onTaken(listener: () => void): void {
    this.#onTaken = listener
  }

  /** Works on owed revocations: with the ledger where it can be written in time, else without it. */
  async settle(pointers: readonly ObligationPointer[], onShut?: () => void): Promise<SettleReport> {
    const ports = this.#settling.ports(pointers[0]?.platform ?? '', 'revoke')
    if (ports === undefined || ports.signal.aborted) return { obligations: [] }
    return shuttingFirst(onShut === undefined ? ports : { ...ports, onShut }, (told) => this.#settle(pointers, told))
  }

  async #settle(pointers: readonly ObligationPointer[], ports: RevokePorts): Promise<SettleReport> {
    // Only the ledger is timed: a platform may be slow, and what comes of it is told by the report.
    const claiming = ports.ledger.claim(pointers, ports.worker, ports.leaseMs, ports.clock())
    const claimed = await this.inTime(claiming)
    if (claimed !== 'unwritable')
      return settleClaimed(claimed, { ...ports, ledger: this.#hurried(ports.ledger, claimed) })
    // What the ledger shows as claimed by now is left to who claimed it, and who was shut in this outage stays so.
    const owed = pointers.filter(({ identity, platform }) => this.#shut.get(identity)?.has(platform) !== true)
    const report = await settle(owed, { ...ports, ledger: this.#standby })
    for (const { identity, platform, state } of report.obligations)
      if (state === 'settled') this.#note(identity, platform)
    return report
  }

  /** What came of a write, or that the ledger could not be written in time; the write may still come to its end. */
  async inTime<T>(writing: Promise<T>): Promise<T | 'unwritable'> {
    try {
      const end = await inTime(writing, this.#patience)
      if (end !== 'late') return end
      this.#fail(`The ledger took no write within ${this.#patience} ms: another process may hold its lock.`)
    } catch (error) {
      if (!isUnwritable(error)) throw error
      this.#fail(summarise(error).message)
    }
    return 'unwritable'
  }

  /** Finds out by a write whether the ledger can be written now. */
  async isWritable(): Promise<boolean> {
    const { ledger, clock } = this.#keyturn
    return (await this.inTime(tryWrite(ledger, clock()))) !== 'unwritable'
  }

  /** Shuts those of these people who must not be let in, as the sources say now; the ledger need not know of it. */
  async revoke(people: readonly Identity[], events: readonly LifecycleEvent[] = []): Promise<void> {
    const story = storyOf(this.#keyturn)
    const gone = (await overlaid(story, people)).filter(({ state }) => state !== 'active' && state !== 'pre-hire')
    if (gone.length === 0) return
    const removed = (platform: string) => this.#shutOn(platform)
    const asking = { signal: this.#stop.signal, patience: answerAtMost, removed }
    const { planned } = await planConcerned(story, gone, asking)
    const effectiveAt = new Map(gone.flatMap(({ id, leftAt }) => (leftAt === null ? [] : [[id, leftAt] as const])))
    const asked = { correlation: story.correlation, operator: story.operator, effectiveAt }
    const owed = planned.plan.changes.filter((change) => this.#isOwed(change))
    const ids = new Set(owed.map(({ identity }) => identity))
    await this.#noteLeft(
      people.filter(({ id, override }) => ids.has(id) && override === undefined),
      events,
    )
    await Promise.all(
      [...Map.groupBy(owed, ({ platform }) => platform)].map(async ([platform, changes]) => {
        const ports = this.#settling.ports(platform, 'revoke')
        if (ports === undefined) return
        for (const one of await revokeNow(changes, asked, this.#standby, ports)) {
          if (one.state === 'settled') this.#note(one.identity, platform)
          this.#keyturn.logger.error('shut without the ledger', {
            identity: one.identity,
            platform,
            state: one.state,
            grade: one.proof?.grade,
            correlation: story.correlation,
          })
        }
      }),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer[Symbol.dispose]()
    this.#stop.abort()
    await this.#looking
    await this.#spool[Symbol.asyncDispose]()
  }

  /** What is written down before an account is shut must not keep it open; what was done goes to the spool in trouble. */
  #hurried(ledger: SettleLedger, claimed: readonly ClaimedObligation[]): SettleLedger {
    const byToken = new Map(claimed.map((obligation) => [obligation.token, obligation]))
    const spool = (records: readonly AuditRecord[]) => this.#spool.note(records.map((audit) => ({ audit })))
    return {
      ...ledger,
      audit: async (records) => {
        if ((await this.inTime(ledger.audit(records))) === 'unwritable') await spool(records)
      },
      // It stays owed in the ledger, and is looked at again.
      settle: (settlements) =>
        ledger.settle(settlements).catch(async (error: unknown) => {
          if (!isUnwritable(error)) throw error
          this.#fail(summarise(error).message)
          await spool(settlements.flatMap(({ audit }) => audit))
          return { refused: [] }
        }),
      stepsDone: async (steps) => {
        const lost = await this.inTime(ledger.stepsDone(steps))
        if (lost !== 'unwritable') return lost
        // Above all that it was open when we came: only then may we open it again (law 8).
        await this.#spool.note(steps.flatMap(({ token, step }) => shutOf(byToken.get(token), step)))
        await spool(steps.map(({ audit }) => audit))
        throw new KeyturnError('ledger-busy', 'Steps were not recorded in time.')
      },
    }
  }

  /** The ledger must know that they left before it knows that we have shut them: else it would open them again (law 8). */
  async #noteLeft(people: readonly Identity[], events: readonly LifecycleEvent[]): Promise<void> {
    const { ledger, clock } = this.#keyturn
    const stored = await ledger.identitiesById(people.map(({ id }) => id))
    const revisions = new Map(stored.map(({ id, revision = 0 }) => [id, revision]))
    const said = Map.groupBy(events, ({ identity }) => identity)
    await this.#spool.note(
      people.map((identity) => ({
        left: { identity, known: revisions.get(identity.id) ?? 0, events: said.get(identity.id) ?? [], at: clock() },
      })),
    )
  }

  #shutOn(platform: string): ReadonlySet<IdentityId> {
    return new Set([...this.#shut].filter(([, platforms]) => platforms.has(platform)).map(([identity]) => identity))
  }

  #isOwed({ kind, identity, platform }: Change): boolean {
    return kind === 'disable' && this.#shut.get(identity)?.has(platform) !== true
  }

  #note(identity: IdentityId, platform: string): void {
    const platforms = this.#shut.get(identity) ?? new Set()
    this.#shut.set(identity, platforms.add(platform))
  }

  #fail(why: string): void {
    if (this.#trouble !== null) return
    const trouble = { since: this.#keyturn.clock(), why }
    this.#trouble = trouble
    void this.#spool.note([{ trouble }])
    this.#keyturn.logger.error(
      'the ledger cannot be written: as long as it can be read, accounts are shut without it, and it is spooled',
      { why },
    )
  }

  /** Hands the ledger what was spooled, also by processes that ended, and finds out whether it can be written again. */
  #look(): void {
    this.#looking ??= this.#drain()
      .catch((error: unknown) => {
        if (isUnwritable(error)) this.#fail(summarise(error).message)
        else this.#keyturn.logger.error('what was spooled could not be handed to the ledger', summarise(error))
      })
      .finally(() => {
        this.#looking = null
      })
  }

  async #drain(): Promise<void> {
    // Nothing of ours is spooled: only what ended processes left, such as an operator's command, is looked for.
    const isQuiet = this.#trouble === null && this.#shut.size === 0 && !this.#doubts()
    if (isQuiet && (this.#looks++ % quietly !== 0 || !(await this.#spool.isLeft()))) return
    const { ledger, clock, logger, correlation } = this.#keyturn
    const spooled = await this.#spool.drain()
    const now = clock()
    if (spooled !== null) {
      await ledger.unspool(spooled, now, correlation)
      logger.warn('the ledger has taken what was spooled', {
        records: spooled.audit.length,
        accounts: spooled.shut.length,
      })
      this.#onTaken()
    } else if (this.#trouble !== null || this.#doubts()) await tryWrite(ledger, now)
    // What was noted meanwhile is handed over with the next look.
    if (!(await this.#spool.clear())) return
    if (this.#trouble !== null) logger.warn('the ledger can be written again')
    // An operator's command may have taken it meanwhile.
    if (this.#trouble !== null || spooled !== null) await this.#spool.keepSpare()
    this.#trouble = null
    for (const listener of this.#back.splice(0)) listener()
    this.#shut.clear()
  }
}

function shutOf(obligation: ClaimedObligation | undefined, step: RevocationStep) {
  return obligation === undefined ? [] : shutIn({ obligation, step })
}

/** A row that is not there yet: what changes nothing is not written, and would prove nothing. */
function tryWrite(ledger: Keyturn['ledger'], now: Instant): Promise<unknown> {
  return ledger.tick('ledger write', now, now)
}

/** Nothing is wrong with what was to be written. */
export function isUnwritable(error: unknown): boolean {
  return error instanceof KeyturnError && (error.code === 'ledger-unavailable' || error.code === 'ledger-busy')
}
