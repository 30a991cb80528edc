// Whom planning must look at again. A mark is written in the transaction of its cause and removed in the one of the admission
// that looked, so what was noticed is never lost in between.
import { sql } from 'kysely'
import type { IdentityId } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { LookAgain, LookAgainCause } from '../model/running.ts'
import { all, db, each, first, forLists, inLists, insertAll, run } from './unit.ts'
import type { Unit } from './unit.ts'

/** Marks these people, or everybody (null). The cause was noticed at `since`. Throws KeyturnError `not-found` for unknown people. */
export function* markAgain(
  identities: readonly IdentityId[] | null,
  cause: LookAgainCause,
  since: Instant,
  correlation: string,
): Unit<void> {
  const people = new Set(identities ?? [])
  const urgent = yield* shutAmong([...people])
  const marked = identities === null ? [null] : people
  yield* insertAll(
    'look_again',
    Array.from(marked, (identity) => {
      const isUrgent = identity !== null && urgent.has(identity)
      return { identity, cause, since, correlation, urgent: isUrgent ? 1 : 0 }
    }),
  )
}

/** Those who must not be let in, by their source or by an operator's word. */
export function* shutAmong(people: readonly IdentityId[]): Unit<ReadonlySet<IdentityId>> {
  const gone = db.selectFrom('identity').select('id').where('state', 'not in', ['active', 'pre-hire'])
  const said = db.selectFrom('override').select('identity as id').where('ended_at', 'is', null)
  const left = said.where('kind', '=', 'state').where('state', '=', 'left')
  const found = yield* inLists(people, function* (some) {
    const bySource = yield* all(gone.where('id', 'in', some))
    return [...bySource, ...(yield* all(left.where('identity', 'in', some)))]
  })
  return new Set(found.map(({ id }) => id))
}

/**
 * Removes the marks up to this number (an `id` of LookAgain) of these people, or of everybody (null); never those of `except`,
 * who must be looked at once more. A mark for everybody is answered only by looking at everybody.
 */
export function* answerMarks(
  upTo: number,
  people: readonly IdentityId[] | null,
  except: ReadonlySet<IdentityId>,
): Unit<void> {
  const answered = db.deleteFrom('look_again').where('id', '<=', upTo)
  if (people === null && except.size === 0) {
    yield* run(answered)
    return
  }
  if (people === null) yield* run(answered.where('identity', 'is', null))
  const looked = (people ?? (yield* peopleMarked(upTo))).filter((identity) => !except.has(identity))
  yield* forLists(looked, (some) => run(answered.where('identity', 'in', some)))
}

function* peopleMarked(upTo: number): Unit<readonly IdentityId[]> {
  const rows = yield* all(db.selectFrom('look_again').select('identity').distinct().where('id', '<=', upTo))
  return rows.flatMap(({ identity }) => identity ?? [])
}

/** The oldest first. */
export function* marked(most: number): Unit<readonly LookAgain[]> {
  return yield* each(db.selectFrom('look_again').selectAll().orderBy('id').limit(most), toMark)
}

/**
 * After this number, of people who must not be let in, the oldest first: found without a look at the others, of whom a hundred thousand may
 * wait.
 */
export function* markedUrgently(after: number, most: number): Unit<readonly LookAgain[]> {
  // A literal, for the partial index.
  const urgent = db
    .selectFrom('look_again')
    .selectAll()
    .where(sql<boolean>`${sql.ref('urgent')} = ${sql.lit(1)}`)
  return yield* each(urgent.where('id', '>', after).orderBy('id').limit(most), toMark)
}

/** The number of the newest mark of all others; 0 where there is none. */
export function* lastUnhurriedMark(): Unit<number> {
  const others = db
    .selectFrom('look_again')
    .select('id')
    .where(sql<boolean>`${sql.ref('urgent')} = ${sql.lit(0)}`)
  return (yield* first(others.orderBy('id', 'desc').limit(1)))?.id ?? 0
}

/** The oldest first. */
export function* markedOf(identities: readonly IdentityId[]): Unit<readonly LookAgain[]> {
  const rows = db.selectFrom('look_again').selectAll()
  const found = yield* inLists([...new Set(identities)], (some) => each(rows.where('identity', 'in', some), toMark))
  return found.toSorted((one, other) => one.id - other.id)
}

interface Row {
  readonly id: number
  readonly identity: string | null
  readonly cause: string
  readonly since: number
  readonly correlation: string
}

function toMark({ id, identity, cause, since, correlation }: Row): LookAgain {
  return { id, identity, cause: cause as LookAgainCause, since, correlation }
}

/** Whoever is marked for the clock already is left out: one look is enough, however long it takes until it comes. */
function waitingForTheClock() {
  return db
    .selectFrom('identity')
    .select(['id', 'due_at'])
    .where('due_at', 'is not', null)
    .where((is) =>
      is.not(
        is.exists(
          is
            .selectFrom('look_again')
            .select(sql.lit(1).as('one'))
            .whereRef('look_again.identity', '=', 'identity.id')
            .where('cause', '=', 'clock'),
        ),
      ),
    )
    .orderBy('due_at')
}

/** The most overdue first. */
export function* clockDue(now: Instant, most: number): Unit<readonly IdentityId[]> {
  const rows = yield* all(waitingForTheClock().where('due_at', '<=', now).limit(most))
  return rows.map(({ id }) => id)
}

export function* nextClockDue(): Unit<Instant | null> {
  return (yield* first(waitingForTheClock().limit(1)))?.due_at ?? null
}
