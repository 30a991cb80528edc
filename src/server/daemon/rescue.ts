import type { Identity } from '../../model/identity.ts'
import type { Keyturn } from '../context.ts'
import type { Settling } from '../settling.ts'

export interface Rescue extends AsyncDisposable {
  spooled(): number
  isNeeded(): boolean
  revoke(people: readonly Identity[]): Promise<void>
}
export function openRescue(_keyturn: Keyturn, _settling: Settling): Rescue {
  return {
    spooled: () => 0,
    isNeeded: () => false,
    revoke: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  }
}
