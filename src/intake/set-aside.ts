import type { AcceptedRead, SetAside } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Place, Problem } from '../model/place.ts'

/** So many of the rows are remembered with their places. */
const mostPlaces = 10

/** The rows of these problems, each once, as far down as the first few with their places. */
export function setAsideBy(problems: readonly Problem[], lastRead: AcceptedRead | null, now: Instant): SetAside {
  return joined({ rows: 0, since: now, first: [] }, problems, lastRead, now)
}

/**
 * The same after a read of a few rows, none of which was set aside before. Null where it is not known what was.
 */
export function setAsideBesides(problems: readonly Problem[], lastRead: AcceptedRead, now: Instant): SetAside | null {
  const { setAside } = lastRead
  return setAside === undefined ? null : joined(setAside, problems, lastRead, now)
}

function joined(known: SetAside, problems: readonly Problem[], lastRead: AcceptedRead | null, now: Instant): SetAside {
  const rows = new Map<string, Problem>()
  for (const problem of problems) {
    const row = `${problem.place.file}:${problem.place.line}`
    if (problem.severity === 'error' && !rows.has(row)) rows.set(row, problem)
  }
  const found = [...rows.values()].map(({ place, path }) => ({ place, path }))
  const count = known.rows + rows.size
  const before = lastRead?.setAside
  return {
    rows: count,
    since: before === undefined || count > before.rows ? now : before.since,
    first: [...known.first, ...found].toSorted((a, b) => lineOf(a) - lineOf(b)).slice(0, mostPlaces),
  }
}

function lineOf({ place }: { readonly place: Place }): number {
  return place.line
}
