import { type Change, changeOrder, fingerprint } from '../model/change.ts'
import type { AdmittedChange, ChangeResult, ClaimedObligation } from '../model/ledger.ts'
import type { PersonView } from './ports.ts'
import { type Comparison, shows } from './shows.ts'
import { accountOf, aimedAt, type Job, nativeIdOf, type Task } from './work.ts'

/** Knows whether an initial password reached the service desk. */
export type HandedOver = (obligation: ClaimedObligation, account: string) => boolean

/**
 * What is needed now and was admitted, in the order of carrying out. What was admitted and is not needed any more is
 * spared: the platform has it already, or it moved and planning must look again. What is needed and was not admitted is
 * not touched: nobody let it pass.
 */
export function intersect(
  obligation: ClaimedObligation,
  needed: readonly Change[],
  person: PersonView,
  comparison: Comparison,
  handedOver: HandedOver,
): Job {
  const wanted = new Set(needed.map(fingerprint))
  const tasks: Task[] = []
  const spared: ChangeResult[] = []
  for (const { id, change: admitted } of obligation.changes) {
    const change = aim(admitted, person)
    if (wanted.has(fingerprint(change))) tasks.push({ id, admitted, change, outcome: null, shown: false })
    else if (lacksCredential(admitted, obligation, person, handedOver)) {
      tasks.push({ id, admitted, change: reissue(admitted, person), outcome: null, shown: false })
    } else spared.push(spare({ id, change: admitted }, change, person, comparison))
  }
  tasks.sort((a, b) => changeOrder.indexOf(a.change.kind) - changeOrder.indexOf(b.change.kind))
  return { obligation, person, tasks, spared, steps: [], seen: undefined, proof: null }
}

/** "The account that this plan creates" means the linked account, once there is one. */
function aim(admitted: Change, person: PersonView): Change {
  return person.link !== null && 'creates' in admitted.target ? aimedAt(admitted, person.link.nativeId) : admitted
}

/** The account was created under this very admission, but its password never reached the service desk. */
function lacksCredential(
  admitted: Change,
  obligation: ClaimedObligation,
  person: PersonView,
  handedOver: HandedOver,
): boolean {
  if (admitted.kind !== 'create' || person.link?.how !== 'created') return false
  const account = accountOf(person, person.link.nativeId)
  return obligation.lane === 'change' && account !== null && !handedOver(obligation, account.name)
}

function reissue(admitted: Change, person: PersonView): Change {
  const { identity, platform, account, reason } = admitted
  const target = { nativeId: person.link?.nativeId ?? '' }
  return { kind: 'issue-credential', credential: 'password', identity, platform, account, reason, target }
}

function spare(
  { id, change: admitted }: AdmittedChange,
  change: Change,
  person: PersonView,
  comparison: Comparison,
): ChangeResult {
  return { id, change: admitted, status: already(change, person, comparison) ? 'already' : 'moved' }
}

function already(change: Change, person: PersonView, comparison: Comparison): boolean {
  const { link } = person
  const account = accountOf(person, nativeIdOf(change))
  if (change.kind === 'create') return link?.how === 'created' && account !== null
  if (nativeIdOf(change) === null) return false
  if (change.kind === 'link') return link !== null && link.nativeId === nativeIdOf(change)
  if (change.kind === 'issue-credential') return account !== null && link !== null && !link.passwordScrambled
  if (change.kind === 'disable' && change.protocol === 'leaver' && account !== null) {
    // Shut is not enough: the rest of the protocol (scramble, clear, prove) was admitted as well.
    return link?.shutByUs === 'leaver' && shows(change, account, comparison)
  }
  return shows(change, account, comparison)
}
