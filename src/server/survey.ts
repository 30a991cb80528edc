import type { DesiredAccount } from '../model/account.ts'
import type { Connector } from '../model/connector.ts'
import { KeyturnError } from '../model/errors.ts'
import type { IdentityId } from '../model/identity.ts'
import type { PlatformSettings } from '../model/settings.ts'
import type { CompleteSnapshot, Snapshot } from '../model/snapshot.ts'
import { memoryNeeded } from '../plan/index.ts'
import type { PlatformView } from '../plan/index.ts'
import type { Keyturn } from './context.ts'
import { restoredPart } from './restored.ts'

/** A view without what the ledger remembers of many people and a plan may not need; see `remember`. */
type Sight = Omit<PlatformView, 'grants' | 'names'>

/** What could be seen of one platform: all of it, or why not. Only a complete view takes part in a plan. */
export type Survey =
  | { readonly platform: string; readonly sight: Sight }
  | { readonly platform: string; readonly error: KeyturnError }

/** One bulk read of every platform that is not `down`, side by side; one that fails does not disturb the others. */
export function surveyPlatforms(
  keyturn: Keyturn,
  { signal, down }: { readonly signal: AbortSignal; readonly down?: ReadonlySet<string> },
): Promise<readonly Survey[]> {
  return Promise.all(
    [...keyturn.connectors.values()].map(async (connector): Promise<Survey> => {
      try {
        if (down?.has(connector.id) === true)
          throw new KeyturnError('platform-unreachable', 'It has not answered lately.')
        return { platform: connector.id, sight: await sightOf(keyturn, connector, signal) }
      } catch (error) {
        if (!(error instanceof KeyturnError)) throw error
        return { platform: connector.id, error }
      }
    }),
  )
}

/** One platform alone. Throws KeyturnError: `usage` for one that is not configured, or why it could not be read. */
export async function surveyPlatform(keyturn: Keyturn, platform: string, signal: AbortSignal): Promise<PlatformView> {
  const sight = await sightOf(keyturn, connectorOf(keyturn, platform), signal)
  const [grants, names] = await Promise.all([keyturn.ledger.grants(platform), keyturn.ledger.names(platform)])
  return { ...sight, grants, names }
}

/** Throws KeyturnError `usage`, with the platforms that there are. */
export function connectorOf(keyturn: Keyturn, platform: string): Connector {
  const connector = keyturn.connectors.get(platform)
  if (connector !== undefined) return connector
  const known = [...keyturn.connectors.keys()].join(', ')
  throw new KeyturnError('usage', `there is no platform "${platform}"; configured are: ${known}`)
}

async function sightOf(keyturn: Keyturn, connector: Connector, signal: AbortSignal): Promise<Sight> {
  const [observed, catalogue, ownAddress] = await Promise.all([
    connector.read('all', signal),
    connector.catalogue(signal),
    connector.signsInAs(signal),
  ])
  const [links, decisions, removedLately] = await Promise.all([
    keyturn.ledger.links(connector.id),
    keyturn.ledger.decisions(connector.id),
    removedLatelyOn(keyturn, connector.id),
  ])
  const settings = settingsOf(keyturn, connector)
  const seen = { observed: whole(observed), catalogue: whole(catalogue), ownAddress }
  return { settings, links, decisions, removedLately, connector, ...seen }
}

/** Whose removal the limit on removals still counts (law 6): plans of a few people one after the other are one whole. */
export async function removedLatelyOn(
  { ledger, settings: { safety }, clock }: Keyturn,
  platform: string,
): Promise<ReadonlySet<IdentityId>> {
  const { within = 0 } = (safety.limits[platform] ?? safety.limits.default).removals
  return within === 0 ? new Set() : ledger.removalsSince(platform, clock() - within)
}

/** Adds of the ledger's memory what a plan for these people will look at. */
export async function remember(
  { ledger }: Keyturn,
  sight: Sight,
  people: Iterable<DesiredAccount>,
): Promise<PlatformView> {
  const { id } = sight.settings
  const needed = memoryNeeded(sight, people)
  const [grants, names] = await Promise.all([ledger.grants(id, needed.grantsOf), needed.names ? ledger.names(id) : []])
  return { ...sight, grants, names }
}

/** What is known of a platform without looking at it: configuration and ledger, of some people. */
export async function knownOf(
  keyturn: Keyturn,
  connector: Connector,
  only: readonly IdentityId[],
): Promise<Omit<PlatformView, 'observed' | 'catalogue' | 'ownAddress'>> {
  const { ledger } = keyturn
  const settings = settingsOf(keyturn, connector)
  const [links, grants, names, decisions, restored] = await Promise.all([
    ledger.links(connector.id, only),
    ledger.grants(connector.id, only),
    ledger.names(connector.id, only),
    ledger.decisions(connector.id, only),
    ledger.restored(),
  ])
  return { settings, links, grants, names, decisions, connector, ...restoredPart(restored) }
}

export function settingsOf(keyturn: Keyturn, { id }: Connector): PlatformSettings {
  const settings = keyturn.settings.platforms[id]
  if (settings === undefined) throw new KeyturnError('unexpected', `platform ${id} is not configured`)
  return settings
}

/** Throws the cause of an incomplete read: nothing may be concluded from it (law 1). */
export function whole<T>(snapshot: Snapshot<T>): CompleteSnapshot<T> {
  if (snapshot.complete) return snapshot
  if (snapshot.cause instanceof KeyturnError) throw snapshot.cause
  throw new KeyturnError('platform-read-incomplete', `the read ended early: ${snapshot.cause.message}`, {
    cause: snapshot.cause,
  })
}
