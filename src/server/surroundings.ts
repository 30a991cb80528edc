import type { CatalogueEntry } from '../model/account.ts'
import type { Connector } from '../model/connector.ts'
import { MINUTE } from '../model/instant.ts'
import type { Clock } from '../model/instant.ts'
import type { CompleteSnapshot } from '../model/snapshot.ts'
import { remembered } from './remembered.ts'
import { whole } from './survey.ts'

/** What a plan or a worker must know of a platform besides the accounts of a few people. */
export interface Surroundings {
  readonly catalogue: CompleteSnapshot<CatalogueEntry>
  readonly ownAddress: string | null
}

/**
 * It changes when somebody makes a group, or changes the password policy. A revocation does not wait for the newest one:
 * an answer that is a few minutes old is used while it is asked for anew.
 */
export const memory = { fresh: MINUTE, stale: 15 * MINUTE }

/** Asks the platform at most once a minute. What it throws is not remembered. */
export function surroundingsOf(connector: Connector, clock: Clock, signal: AbortSignal): () => Promise<Surroundings> {
  return remembered(
    async () => {
      const [catalogue, ownAddress] = await Promise.all([connector.catalogue(signal), connector.signsInAs(signal)])
      return { catalogue: whole(catalogue), ownAddress }
    },
    clock,
    memory,
  )
}
