// A whole plan becomes work: revocations first, in several transactions where it is large, with the ledger free in between. What
// is not admitted when this process dies has kept its marks, and is planned again.
import { setImmediate } from 'node:timers/promises'
import type { Change } from '../model/change.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Admission, AdmissionResult, Hold, ObligationPointer } from '../model/ledger.ts'
import { freeNames, refuseDoubles, takenLinks } from './accounts.ts'
import { admitPortion, newName } from './admission.ts'
import { linksIn } from './linking.ts'
import type { Admitted } from './admission.ts'
import { endUnneeded } from './decisions.ts'
import type { Driver } from './driver.ts'
import { addHindrances, dropHindrances, hindranceNews } from './hindrances.ts'
import { addItems, openHolds, saveHolds } from './holds.ts'
import type { NewItems } from './holds.ts'
import { answerMarks, markAgain, markedOf } from './look-again.ts'
import { divide, undivided } from './portions.ts'
import type { Divided } from './portions.ts'
import { savePlan } from './record.ts'
import { endRestored } from './self.ts'
import { owedOn } from './standby.ts'
import type { Unit } from './unit.ts'

type Access = Pick<Driver, 'read' | 'write'>

/** What one transaction may cost (`portions.ts`) to begin with, and how long it shall take, ms. */
const first = 1_000
const bounds = { least: 250, most: 20_000 }
const target = 20
/** Rows that are read or written at once beside the portions: names to be compared, items of holds, hindrances. */
const rows = 2_000

/**
 * Throws KeyturnError `name-taken`: then nothing was admitted, unless the name was taken by another process at this very
 * moment; then the portions before it are admitted and stay so.
 */
export async function admit(driver: Access, admission: Admission): Promise<AdmissionResult> {
  const standby = await relevant(driver, admission.plan.standby ?? [])
  const divided = divide(admission, standby)
  const small = divided.cost <= first && admission.plan.withheld.length <= rows
  return small ? driver.write(() => atOnce(admission, divided, standby)) : inPortions(driver, admission, divided)
}

/** One lookup for each of the many who have left would cost more than to ask to whom anything is owed. */
async function relevant({ read }: Access, standby: readonly Change[]): Promise<readonly Change[]> {
  if (standby.length < rows) return standby
  const owed = new Map<string, ReadonlySet<IdentityId>>()
  for (const platform of new Set(standby.map((change) => change.platform)))
    owed.set(platform, await read(() => owedOn(platform)))
  return standby.filter(({ platform, identity }) => owed.get(platform)?.has(identity))
}

function* atOnce(admission: Admission, divided: Divided, standby: readonly Change[]): Unit<AdmissionResult> {
  yield* savePlan(admission)
  const everybody = divided.next(Infinity)
  const none: Admitted = { pointers: [], stale: new Set() }
  const { pointers, stale } =
    everybody === null ? none : yield* admitPortion(admission, undivided(admission, standby, everybody))
  const concerns = concernedBy(admission, stale)
  for (const some of yield* conclude(admission, concerns)) yield* addItems(some)
  const { over, begun } = yield* hindranceNews(admission, concerns)
  yield* dropHindrances(over)
  yield* addHindrances(begun)
  yield* answerTheRest(admission, stale)
  return resultOf(pointers, yield* openHolds(admission.plan), stale)
}

async function inPortions(driver: Access, admission: Admission, divided: Divided): Promise<AdmissionResult> {
  await refuseTaken(driver, admission)
  await driver.write(() => savePlan(admission))
  const { pointers, stale } = await admitAll(driver, admission, divided)
  const concerns = concernedBy(admission, stale)
  for (const some of await driver.write(() => conclude(admission, concerns)))
    for (const items of inTurns(some.items)) await driver.write(() => addItems({ ...some, items }))
  const { over, begun } = await driver.read(() => hindranceNews(admission, concerns))
  for (const some of inTurns(over)) await driver.write(() => dropHindrances(some))
  for (const some of inTurns(begun)) await driver.write(() => addHindrances(some))
  await driver.write(() => answerTheRest(admission, stale))
  return resultOf(pointers, await driver.read(() => openHolds(admission.plan)), stale)
}

async function admitAll(driver: Access, admission: Admission, divided: Divided): Promise<Admitted> {
  const pointers: ObligationPointer[] = []
  const stale = new Set<IdentityId>()
  let most = first
  for (let portion = divided.next(most); portion !== null; portion = divided.next(most)) {
    const some = portion
    const { admitted, took } = await driver.write(() => timed(admitPortion(admission, some)))
    for (const pointer of admitted.pointers) pointers.push(pointer)
    for (const identity of admitted.stale) stale.add(identity)
    most = Math.min(bounds.most, Math.max(bounds.least, most * Math.min(2, Math.max(0.5, target / took))))
  }
  return { pointers, stale }
}

function* timed(unit: Unit<Admitted>): Unit<{ readonly admitted: Admitted; readonly took: number }> {
  const begun = performance.now()
  const admitted = yield* unit
  return { admitted, took: performance.now() - begun }
}

/** Before anything is written: a plan with a name or an account of somebody else is refused as a whole. */
async function refuseTaken({ read }: Access, { plan, now }: Admission): Promise<void> {
  refuseDoubles(plan.changes.flatMap(newName), linksIn(plan.changes, now))
  for (const some of inTurns(plan.changes)) {
    const [taken] = await read(function* () {
      yield* freeNames(some.flatMap(newName))
      return (yield* takenLinks(linksIn(some, now))).values().toArray()
    })
    if (taken !== undefined) throw taken
    await setImmediate()
  }
}

/** Of whom the plan says what is held and hinders; of others that stays. */
function concernedBy({ dueAt, plan }: Admission, stale: ReadonlySet<IdentityId>): (identity: IdentityId) => boolean {
  const planned = new Set(
    [...plan.changes, ...plan.withheld.map(({ change }) => change)].map(({ identity }) => identity),
  )
  // Of whom a few people's plan could not decide, a plan over everybody must say.
  const open = stale.union(new Set(plan.undecided))
  return (identity) => !open.has(identity) && (dueAt === undefined || dueAt.has(identity) || planned.has(identity))
}

/** Holds and approvals as the plan leaves them; returns what is to be added to the holds. */
function* conclude(admission: Admission, concerns: (identity: IdentityId) => boolean): Unit<readonly NewItems[]> {
  yield* endUnneeded(admission, concerns)
  return yield* saveHolds(admission.plan, admission.now, concerns)
}

/** Everybody's mark is answered when all are admitted. Who was left out is looked at again, whatever marks there were. */
function* answerTheRest(admission: Admission, stale: ReadonlySet<IdentityId>): Unit<void> {
  const { looked, now, correlation } = admission
  if (looked?.people === null) yield* answerMarks(looked.upTo, null, stale)
  yield* endRestored(admission, stale.size === 0)
  if (stale.size === 0) return
  const marked = new Set((yield* markedOf([...stale])).map(({ identity }) => identity))
  const unmarked = [...stale].filter((identity) => !marked.has(identity))
  yield* markAgain(unmarked, 'moved', now, correlation)
}

function resultOf(
  pointers: readonly ObligationPointer[],
  holds: readonly Hold[],
  stale: ReadonlySet<IdentityId>,
): AdmissionResult {
  return stale.size === 0 ? { pointers, holds } : { pointers, holds, stale: [...stale] }
}

function* inTurns<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += rows) yield items.slice(start, start + rows)
}
