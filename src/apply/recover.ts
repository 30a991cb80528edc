import type { ObservedAccount } from '../model/account.ts'
import type { Change } from '../model/change.ts'
import type { ClaimedObligation, Link } from '../model/ledger.ts'
import { auditRecord } from './audit.ts'
import type { PersonView, SettlePorts, WorkerView } from './ports.ts'

/** A create that an earlier claim began and of which nobody has told the end. */
interface Begun {
  readonly obligation: ClaimedObligation
  readonly person: PersonView
  /** The name that it was to have. */
  readonly name: string
  /** The create itself, where it is still admitted; a leaver's is not. */
  readonly create: Extract<Change, { kind: 'create' }> | null
}

/**
 * Observes; and where an earlier claim ended between creating an account and recording it, links that account first:
 * what stands under the intended name and carries the person's key is ours.
 */
export async function observeAndRecover<View extends WorkerView>(
  claimed: readonly ClaimedObligation[],
  ports: SettlePorts<View>,
): Promise<View> {
  const view = await ports.observe(claimed)
  const begun = claimed.flatMap((obligation) => begunCreates(obligation, view))
  if (begun.length === 0) return view
  const refs = begun.map(({ name, person }) => ({ name, matches: person.matches }))
  const read = await ports.connector.read(refs, ports.signal)
  if (!read.complete) throw read.cause
  const found = begun.flatMap((one) => {
    const account = read.items.find((item) => item.name.toLowerCase() === one.name.toLowerCase())
    return account !== undefined && isOurs(account, one, ports) ? [{ ...one, account }] : []
  })
  if (found.length === 0) return view
  const at = ports.clock()
  await ports.ledger.adopt(
    found.map((one) => linkTo(one, one.account, at)),
    found.map(({ obligation, create, account }) =>
      auditRecord(obligation, create, {
        at,
        action: 'create',
        account: account.name,
        after: account.address,
        result: 'done',
        detail: 'created by an earlier try that ended before it could record it',
      }),
    ),
  )
  return ports.observe(claimed)
}

function begunCreates(obligation: ClaimedObligation, view: WorkerView): readonly Begun[] {
  const person = view.people.get(obligation.identity)
  if (person === undefined || person.link !== null) return []
  const changes = obligation.changes.map(({ change }) => change)
  const create = changes.find((change) => change.kind === 'create') ?? null
  const intended = obligation.openIntents.flatMap(({ kind, target }) => (kind === 'create' ? [target] : []))
  // Shutting what was being made when its owner left: the first look has closed the intent, the second one looks again.
  const superseded = changes.flatMap(({ kind, target, account }) =>
    kind === 'disable' && 'creates' in target ? [account] : [],
  )
  return [...new Set([...intended, ...superseded])].map((name) => {
    return { obligation, person, name, create: create?.desired.name === name ? create : null }
  })
}

/** By a strong key where one is configured; else everything that the create would have written must be there. */
function isOurs(account: ObservedAccount, { create, person, obligation }: Begun, ports: SettlePorts): boolean {
  const holds = (attribute: string, value: string) => {
    const canonical = (text: string) => ports.connector.canonical(attribute, text)
    return (account.attributes[attribute] ?? []).map(canonical).includes(canonical(value))
  }
  if (person.matches.length > 0) return person.matches.some(({ attribute, value }) => holds(attribute, value))
  const written = Object.entries(create?.desired.attributes ?? {})
  if (written.length > 0) return written.every(([name, values]) => values.every((value) => holds(name, value)))
  const { identity, platform } = obligation
  ports.logger.error('an account may have been made by a try that ended early; nothing tells whose it is', {
    identity,
    platform,
    nativeId: account.nativeId,
  })
  return false
}

function linkTo({ obligation, create }: Begun, account: ObservedAccount, linkedAt: number): Link {
  const { identity, platform } = obligation
  const { nativeId, name, address, enabled } = account
  // Nobody but us has touched it since it was made: what is shut was made shut.
  const shutByUs = (create?.desired.enabled ?? enabled) ? null : 'pre-hire'
  return { identity, platform, nativeId, name, address, how: 'created', linkedAt, shutByUs, passwordScrambled: false }
}
