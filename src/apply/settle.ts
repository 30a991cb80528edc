import { summarise } from '../model/errors.ts'
import type { ClaimedObligation, ObligationPointer, Settlement } from '../model/ledger.ts'
import { markStrayed, markUnadmitted, recordStrayed } from './again.ts'
import { type Claims, keepClaims } from './claims.ts'
import { type Bench, openBench } from './context.ts'
import { owingPasswords } from './handover.ts'
import { intersect } from './intersect.ts'
import { postponementOf } from './postpone.ts'
import type { SettlePorts, SettleReport, WorkerView } from './ports.ts'
import { proveAll, readBack } from './readback.ts'
import { settlementOf } from './record.ts'
import { observeAndRecover } from './recover.ts'
import { reportOf } from './report.ts'
import type { Job } from './work.ts'
import { writeBegun, writeFirst, writeRest } from './write.ts'

/**
 * One cycle of work for some obligations of one platform: claim, observe, recompute, intersect, intend, write, read back,
 * prove, settle. What is lost, doubled, late or reordered does no harm, and a second run changes nothing.
 *
 * @throws KeyturnError `ledger-busy` or `ledger-unavailable` where nothing could be recorded: the claims then end by
 * themselves and the obligations are owed again
 */
export async function settle<View extends WorkerView>(
  pointers: readonly ObligationPointer[],
  ports: SettlePorts<View>,
): Promise<SettleReport> {
  if (ports.signal.aborted) return { obligations: [] }
  return await shuttingFirst(ports, async (told) => {
    const claimed = await ports.ledger.claim(pointers, ports.worker, ports.leaseMs, ports.clock())
    return await settleClaimed(claimed, told)
  })
}

/** Work of the revoke lane: whoever shares these ports does nothing else until it says that its accounts are shut. */
export async function shuttingFirst<View extends WorkerView>(
  ports: SettlePorts<View>,
  work: (ports: SettlePorts<View>) => Promise<SettleReport>,
): Promise<SettleReport> {
  const isShut = ports.shutFirst?.begin()
  const onShut = () => {
    isShut?.()
    ports.onShut?.()
  }
  try {
    return await work({ ...ports, onShut })
  } finally {
    onShut()
  }
}

/** The rest of the cycle, for obligations that are claimed already. */
export async function settleClaimed<View extends WorkerView>(
  claimed: readonly ClaimedObligation[],
  ports: SettlePorts<View>,
): Promise<SettleReport> {
  if (claimed.length === 0) return { obligations: [] }
  await using claims = keepClaims(claimed, ports)
  return await carryOut(claimed, claims, ports)
}

/** One person's failure does not stop the others; where the platform cannot be observed, nothing is tried. */
async function carryOut<View extends WorkerView>(
  claimed: readonly ClaimedObligation[],
  claims: Claims,
  ports: SettlePorts<View>,
): Promise<SettleReport> {
  const decision = await decide(claimed, ports).catch((error: unknown) => ({ error }))
  if ('error' in decision) return await record(await handBack(claimed, decision.error, ports), ports)
  const { jobs, postponed, bench } = decision
  await writeFirst(jobs, bench, claims, ports)
  ports.onShut?.()
  // Asked to stop, Keyturn goes on with what it is just doing, and hands back what has not begun.
  let goesOn = ports.signal.aborted
  const reports = [await record(postponed, ports)]
  for (const piece of piecesOf(jobs, ports)) {
    reports.push(await piece((some) => finish(some, bench, claims, ports, goesOn || !ports.signal.aborted)))
    goesOn = false
  }
  return { obligations: reports.flatMap(({ obligations }) => obligations) }
}

async function handBack(
  claimed: readonly ClaimedObligation[],
  error: unknown,
  ports: SettlePorts,
): Promise<readonly Settlement[]> {
  if (ports.signal.aborted) {
    await ports.ledger.release(claimed.map(({ token }) => token))
    return []
  }
  ports.logger.warn('the platform could not be observed', { platform: ports.platform, ...summarise(error) })
  return claimed.map((obligation) => postponementOf(obligation, error, ports))
}

type Piece = (finish: (jobs: readonly Job[]) => Promise<SettleReport>) => Promise<SettleReport>

/**
 * Of revocations, those whose accounts could not be shut at once, so that their next try comes soon; the others in small pieces,
 * whenever nobody's account is still to be shut. Changes all together.
 */
function piecesOf(jobs: readonly Job[], { shutFirst, signal }: SettlePorts): readonly Piece[] {
  if (shutFirst === undefined) return [(finish) => finish(jobs)]
  const [shut, open] = [jobs.filter(({ isShut }) => isShut), jobs.filter(({ isShut }) => !isShut)]
  const first: readonly Piece[] = open.length === 0 ? [] : [(finish) => finish(open)]
  const later = portionsOf(shut, pieceSize).map(
    (some): Piece =>
      (finish) =>
        shutFirst.afterwards(signal, () => finish(some)),
  )
  return [...first, ...later]
}

/** So many that each group is written for dozens of them at once; so few that a new leaver soon comes before the others. */
const pieceSize = 256

function portionsOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}

interface Decision {
  readonly jobs: readonly Job[]
  /** Nobody could work out what these need. */
  readonly postponed: readonly Settlement[]
  readonly bench: Bench
}

/** Observes, and recomputes what each of these people needs. */
async function decide<View extends WorkerView>(
  claimed: readonly ClaimedObligation[],
  ports: SettlePorts<View>,
): Promise<Decision> {
  const view = await observeAndRecover(claimed, ports)
  const nobody = { link: null, accounts: [], matches: [], names: [] }
  const people = claimed.map((obligation) => ({ obligation, person: view.people.get(obligation.identity) ?? nobody }))
  const owing = await owingPasswords(people, ports)
  const neededNow = recompute(view, claimed, ports)
  const jobs: Job[] = []
  const postponed: Settlement[] = []
  for (const { obligation, person } of people) {
    try {
      const needed = neededNow(obligation)
      const comparison = { connector: ports.connector, addressOf: () => undefined }
      jobs.push(intersect(obligation, needed, person, comparison, owing.has(obligation.token)))
    } catch (error) {
      postponed.push(postponementOf(obligation, error, ports))
    }
  }
  return { jobs, postponed, bench: openBench(jobs, view.passwords, ports.ledger) }
}

/** All at once; where that fails, one by one, so that only the one who causes it is put off. */
function recompute<View extends WorkerView>(
  view: View,
  claimed: readonly ClaimedObligation[],
  ports: SettlePorts<View>,
) {
  try {
    const all = ports.needed(view, claimed)
    return (obligation: ClaimedObligation) => all.get(obligation.identity) ?? []
  } catch {
    return (obligation: ClaimedObligation) => ports.needed(view, [obligation]).get(obligation.identity) ?? []
  }
}

/** Everything after the first writes; with `goesOn`, what is left of the leaver protocol also when Keyturn is asked to stop. */
async function finish(
  jobs: readonly Job[],
  bench: Bench,
  claims: Claims,
  ports: SettlePorts,
  goesOn: boolean,
): Promise<SettleReport> {
  const finishing = { ...ports, signal: new AbortController().signal }
  if (goesOn) await writeBegun(jobs, bench, claims, finishing)
  await writeRest(jobs, bench, claims, ports)
  await readBack(jobs, bench, finishing)
  await proveAll(jobs, bench, finishing)
  const settlements = jobs.map((job) => settlementOf(job, bench, ports))
  await markUnadmitted(jobs, settlements, ports)
  const report = await record(settlements, ports)
  claims.settled(jobs.map(({ obligation }) => obligation.token))
  return report
}

/** People whose results are written in one unit of the ledger: a few ten milliseconds of work. */
const portion = 64

async function record(settlements: readonly Settlement[], ports: SettlePorts): Promise<SettleReport> {
  if (settlements.length === 0) return { obligations: [] }
  // In portions, so that the event loop turns in between; they still share commits.
  const writing = portionsOf(settlements, portion).map((some) => ports.ledger.settle(some))
  const refused = (await Promise.all(writing)).flatMap((one) => one.refused)
  const lost = new Set(refused.map(({ identity }) => identity))
  await markStrayed(settlements, lost, ports)
  await recordStrayed(settlements, lost, ports)
  return reportOf(settlements, lost, ports)
}
