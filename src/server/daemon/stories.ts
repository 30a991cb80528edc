// What the daemon tells of people in the log: ids only, and one correlation id from the feed to the proof.
import type { SettledObligation } from '../../apply/ports.ts'
import { isPlatformWide } from '../../apply/retry.ts'
import type { Plan } from '../../model/change.ts'
import type { IntakeResult } from '../../model/identity.ts'
import { showPlace } from '../../model/place.ts'
import type { Keyturn } from '../context.ts'

/** More events than this in one read are told as numbers. */
const mostLines = 100
/** So many rows that are set aside are named. */
const mostPlaces = 10

export function tellIntake(
  { logger, correlation }: Keyturn,
  { source, accepted, refused, events, problems }: IntakeResult,
): void {
  tellSetAside({ logger, correlation }, { source, problems })
  if (refused !== null)
    logger.error('the feed is refused', { source, why: refused.why, hint: refused.hint, correlation })
  if (accepted === null && events.length === 0) return
  for (const { kind, identity, effectiveAt } of events.slice(0, mostLines)) {
    logger.info('noticed', { event: kind, identity, effectiveAt: new Date(effectiveAt).toISOString(), correlation })
  }
  const counts = Object.fromEntries(
    [...Map.groupBy(events, ({ kind }) => kind)].map(([kind, some]) => [kind, some.length]),
  )
  if (events.length > mostLines) logger.info('noticed many', { source, ...counts, correlation })
}

/** Rows that change nothing for their people until the feed is corrected. Places only: the texts of a row may be names. */
function tellSetAside(
  { logger, correlation }: Pick<Keyturn, 'logger' | 'correlation'>,
  { source, problems }: Pick<IntakeResult, 'source' | 'problems'>,
): void {
  const rows = problems.filter(({ severity }) => severity === 'error')
  if (rows.length === 0) return
  logger.warn('rows are set aside; nothing changes for their people; "keyturn plan" says why', {
    source,
    rows: rows.length,
    first: rows.slice(0, mostPlaces).map(({ place, path }) => `${showPlace(place)} ${path}`),
    correlation,
  })
}

/** What workers did: proofs, what is given up, and revocations that are still owed. What was changed they tell themselves. */
export function tellSettled({ logger }: Pick<Keyturn, 'logger'>, settled: readonly SettledObligation[]): void {
  for (const { identity, platform, lane, state, results, proof, error, correlation } of settled) {
    const base = { identity, platform, lane, correlation }
    for (const { change, status } of results) {
      if (status === 'failed') logger.error('given up', { ...base, change: change.kind, ...error })
    }
    if (proof !== null) logger.info('proof', { ...base, grade: proof.grade, text: proof.text })
    else if (state === 'retry' && lane === 'revoke' && error !== null) {
      // That a platform is down is told once; a line for everybody and every try would be a million a day.
      const tell = isPlatformWide(error.code) ? 'debug' : 'warn'
      logger[tell]('still owed', { ...base, ...error })
    }
  }
}

export function tellPlan(
  { logger, correlation }: Keyturn,
  message: string,
  people: number | 'everybody',
  { changes, withheld }: Plan,
  more: object = {},
): void {
  logger.info(message, { people, changes: changes.length, withheld: withheld.length, ...more, correlation })
}
