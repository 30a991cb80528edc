import type { Hindrance } from '../model/running.ts'
import type { Keyturn } from './context.ts'

/**
 * What hinders people, with the first so many of each: on the platforms where Keyturn changes anything. Where it is only to
 * observe, nothing is expected of it.
 */
export function hindrancesOf(
  { ledger, settings }: Pick<Keyturn, 'ledger' | 'settings'>,
  most: number,
): Promise<readonly Hindrance[]> {
  const acting = Object.values(settings.platforms).filter(({ mode }) => Object.values(mode).includes('full'))
  return ledger.hindrances(
    acting.map(({ id }) => id),
    most,
  )
}
