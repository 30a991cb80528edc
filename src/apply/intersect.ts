import { type Change, changeOrder, fingerprint, isLeaver } from '../model/change.ts'
import type { AdmittedChange, ChangeResult, ClaimedObligation } from '../model/ledger.ts'
import type { PersonView } from './ports.ts'
import { type Comparison, shows } from './shows.ts'
import { accountOf, aimedAt, type Job, nativeIdOf, type Task } from './work.ts'

/**
 * What is needed now and was admitted, in the order of carrying out. What was admitted and is not needed any more is
 * spared: the platform has it already, or it moved and planning must look again. What is needed and was not admitted is
 * not touched: nobody let it pass.
 *
 * @param owesPassword the account was made by a try that ended before its password reached the service desk
 */
export function intersect(
  obligation: ClaimedObligation,
  needed: readonly Change[],
  person: PersonView,
  comparison: Comparison,
  owesPassword: boolean,
): Job {
  const wanted = new Set(needed.map(fingerprint))
  const tasks: Task[] = []
  const spared: ChangeResult[] = []
  const create = obligation.changes.find(({ change }) => change.kind === 'create')
  for (const admitted of obligation.changes) {
    const change = aim(admitted.change, person)
    if (owesPassword && admitted === create) continue
    // Admission itself remembers whose account it is.
    if (change.kind !== 'link' && (wanted.has(fingerprint(change)) || isHalfMoved(change, person, comparison)))
      tasks.push(taskOf(admitted, change))
    else spared.push(spare(admitted, change, person, comparison))
  }
  if (owesPassword) tasks.push(reissue(create ?? null, obligation, person))
  tasks.sort((a, b) => changeOrder.indexOf(a.change.kind) - changeOrder.indexOf(b.change.kind))
  const known = new Set(obligation.changes.map(({ change }) => fingerprint(aim(change, person))))
  const unadmitted = needed.some((change) => !known.has(fingerprint(change)))
  return { obligation, person, tasks, spared, unadmitted, isShut: false, steps: [], seen: undefined, proof: null }
}

/** It stands there, and nobody has recorded that it does: groups may hold it under its old address still. */
function isHalfMoved(change: Change, person: PersonView, comparison: Comparison): boolean {
  if (change.kind !== 'rename' && change.kind !== 'move') return false
  const account = accountOf(person, nativeIdOf(change))
  const isRecorded = account === null || person.link === null || person.link.address === account.address
  return !isRecorded && shows(change, account, comparison)
}

function taskOf({ id, change: admitted }: AdmittedChange, change: Change): Task {
  return { id, admitted, change, outcome: null, shown: false }
}

/** "The account that this plan creates" means the linked account, once there is one: not one that is gone, and is made anew. */
function aim(admitted: Change, person: PersonView): Change {
  if (!('creates' in admitted.target)) return admitted
  const linked = person.link === null ? null : accountOf(person, person.link.nativeId)
  return linked === null ? admitted : aimedAt(admitted, linked.nativeId)
}

/** No admitted change has this number: it belongs to a create that was admitted, begun, and then superseded. */
const partOfCreate = 0

/** Finishes a create: who was let in must learn the password. */
function reissue(create: AdmittedChange | null, { identity, platform }: ClaimedObligation, person: PersonView): Task {
  const change: Change = {
    kind: 'issue-credential',
    credential: 'password',
    identity,
    platform,
    target: { nativeId: person.link?.nativeId ?? '' },
    account: person.link?.name ?? '',
    reason: create?.change.reason ?? {
      kind: 'setting',
      text: 'the account was made, but its password not handed over',
    },
  }
  return taskOf(create ?? { id: partOfCreate, change }, change)
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
  // Nothing to shut: the account that was on its way has never come.
  if (nativeIdOf(change) === null) return change.kind === 'disable' && person.accounts.length === 0
  if (change.kind === 'link') return link !== null && link.nativeId === nativeIdOf(change)
  if (change.kind === 'issue-credential') return account !== null && link !== null && !link.passwordScrambled
  if (isLeaver(change) && account !== null) {
    // Shut is not enough: the rest of the protocol (scramble, clear, prove) was admitted as well.
    return link?.shutByUs === 'leaver' && shows(change, account, comparison)
  }
  return shows(change, account, comparison)
}
