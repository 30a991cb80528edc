// An urgent plan is one for all who must be shut now: somebody of whom no plan can be made must not keep the others in.
import { KeyturnError, summarise } from '../../model/errors.ts'
import type { Identity, IdentityId } from '../../model/identity.ts'
import { planConcerned } from '../concerned.ts'
import type { Concerned, ConcernedOptions } from '../concerned.ts'
import type { Keyturn } from '../context.ts'

export interface Sound extends Concerned {
  /** People of whom no plan can be made: they are not in it. */
  readonly unsound: readonly IdentityId[]
}

/** One plan for as many of these people as can be planned. Throws what stands in the way of all of them. */
export async function planSound(
  keyturn: Keyturn,
  people: readonly Identity[],
  options: ConcernedOptions,
): Promise<Sound> {
  try {
    return { ...(await planConcerned(keyturn, people, options)), unsound: [] }
  } catch (error) {
    if (options.signal.aborted || people.length < 2 || passes(error)) throw error
    const tries = await Promise.allSettled(people.map((one) => planConcerned(keyturn, [one], options)))
    const sound = people.filter((_, index) => tries[index]?.status === 'fulfilled')
    // Each by itself can be planned, or nobody: it is not one of them that is in the way.
    if (sound.length === 0 || sound.length === people.length) throw error
    const unsound = people.filter((one) => !sound.includes(one)).map(({ id }) => id)
    keyturn.logger.error('of some people no plan can be made; the others are planned without them', {
      identities: unsound,
      ...summarise(error),
    })
    return { ...(await planConcerned(keyturn, sound, options)), unsound }
  }
}

/** Such as a ledger that is busy: the same is tried again. */
export function passes(error: unknown): boolean {
  return error instanceof KeyturnError && (error.class === 'retry' || error.code === 'ledger-unavailable')
}
