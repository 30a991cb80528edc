// Planning after the ledger was restored from a backup: what the platforms say about accounts that it may remember wrongly, and
// which plan is the reconciliation that ends it (docs/decisions/033).
import { begun } from '../apply/context.ts'
import type { DesiredAccount } from '../model/account.ts'
import type { Connector, LastChange } from '../model/connector.ts'
import { summarise } from '../model/errors.ts'
import { MINUTE } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { Admission } from '../model/ledger.ts'
import type { Restored } from '../model/running.ts'
import { accountsInQuestion } from '../plan/index.ts'
import type { Evidence, PlatformView } from '../plan/index.ts'
import type { Keyturn } from './context.ts'

/** Clocks of platforms may differ from ours by so much, ms. */
const skew = 5 * MINUTE
/** Questions to one platform at once. */
const width = 8

/** The view of everybody, with what the platform itself says about who shut what since the backup. */
export async function withEvidence(
  keyturn: Keyturn,
  view: PlatformView,
  people: readonly DesiredAccount[],
  { at, knownUntil }: Restored,
  signal: AbortSignal,
): Promise<PlatformView> {
  const connector = keyturn.connectors.get(view.settings.id)
  const ids = accountsInQuestion(view, people)
  const shut = await shutSince(keyturn, view, at)
  // What the ledger itself has seen to since is as it remembers.
  const untouched = new Set(ids.filter((id) => shut.has(id)))
  const ours = new Set<string>()
  const queue = ids.filter((id) => !shut.has(id))
  const ask = async () => {
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      const last = await lastChangeOf(keyturn, connector, id, signal)
      if (last === null || last.at === null || knownUntil === null) continue
      if (last.at < knownUntil - skew) untouched.add(id)
      else if (last.at > knownUntil + skew && isSame(last.by, view.ownAddress)) ours.add(id)
    }
  }
  await Promise.all(Array.from({ length: width }, ask))
  const evidence: Evidence = { untouched, ours }
  return { ...view, restored: { evidence } }
}

/** Accounts that were open, and shut by the restored ledger's word: of who came back since the backup, for instance. */
async function shutSince({ ledger }: Keyturn, view: PlatformView, at: Instant): Promise<ReadonlySet<string>> {
  const steps = await ledger.auditSince('step', at)
  const found = steps.filter(({ platform, after }) => platform === view.settings.id && after === begun)
  const people = new Set(found.map(({ identity }) => identity))
  return new Set(view.links.flatMap(({ identity, nativeId }) => (people.has(identity) ? nativeId : [])))
}

/** What a platform does not say is no evidence. */
async function lastChangeOf(
  { logger }: Keyturn,
  connector: Connector | undefined,
  nativeId: string,
  signal: AbortSignal,
): Promise<LastChange | null> {
  try {
    return (await connector?.lastChange?.(nativeId, signal)) ?? null
  } catch (error) {
    signal.throwIfAborted()
    logger.debug('a platform does not say who changed an account last', {
      platform: connector?.id,
      ...summarise(error),
    })
    return null
  }
}

/** Two spellings of one DN (RFC 4514, section 2.4 and 4). */
function isSame(by: string | null, own: string | null): boolean {
  const plain = (address: string) => address.toLowerCase().replaceAll(/\s*([,=])\s*/g, '$1')
  return by !== null && own !== null && plain(by) === plain(own)
}

/** Of views that show a few people: nothing is opened there. */
export function restoredPart(restored: Restored | null): Pick<PlatformView, 'restored'> {
  return restored === null ? {} : { restored: { evidence: null } }
}

/** A plan over everybody is the reconciliation where every platform could be read. */
export function reconciling(
  { settings }: Keyturn,
  restored: Restored | null,
  unread: readonly unknown[],
): Pick<Admission, 'reconciles'> {
  if (restored === null || unread.length > 0) return {}
  return { reconciles: { restoredAt: restored.at, sources: Object.keys(settings.sources) } }
}
