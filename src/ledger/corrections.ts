// What the reconciliation of a restored ledger found out about accounts that it remembers wrongly (docs/decisions/033).
import type { LinkCorrection } from '../model/change.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Admission } from '../model/ledger.ts'
import { fold } from './identity-row.ts'
import { writeAudit } from './record.ts'
import { all, db, insertMissing } from './unit.ts'
import type { Unit } from './unit.ts'

/** Of these people. A link that is not as the plan saw it any more stays as it is: somebody knows better by now. */
export function* carryOutCorrections(admission: Admission, people: ReadonlySet<IdentityId>): Unit<void> {
  const { corrections = [], claims = [] } = admission.plan
  for (const one of corrections) if (people.has(one.identity)) yield* correct(one, admission)
  yield* insertMissing(
    'name_claim',
    ['platform', 'name'],
    claims
      .filter(({ identity }) => people.has(identity))
      .map(({ platform, name, identity }) => ({ platform, name: fold(name), identity, claimed_at: admission.now })),
  )
}

function* correct(correction: LinkCorrection, { now, correlation, operator }: Admission): Unit<void> {
  const { identity, platform, nativeId, account, from, shutByUs, foundShut, passwordScrambled, text } = correction
  const link = db
    .updateTable('link')
    .set({ shut_by_us: shutByUs, found_shut: foundShut ? 1 : 0, password_scrambled: passwordScrambled ? 1 : 0 })
    .where('platform', '=', platform)
    .where('identity', '=', identity)
    .where('native_id', '=', nativeId)
  const asSeen = from === null ? link.where('shut_by_us', 'is', null) : link.where('shut_by_us', '=', from)
  const changed = yield* all(asSeen.returning('identity'))
  if (changed.length === 0) return
  const told = { at: now, correlation, operator, identity, platform, account, action: 'link-corrected', reason: null }
  yield* writeAudit([{ ...told, before: from, after: shutByUs, askedAt: null, result: 'done', detail: text }])
}
