// Which processes of the daemon run, on whatever machine.
import { roles } from '../model/running.ts'
import type { ProcessState, Role } from '../model/running.ts'
import { lives } from './accepted.ts'
import type { Keyturn } from './context.ts'
import { mayRun } from './machine.ts'

/** Those that said something of themselves lately and are not certainly gone. */
export async function whoRuns({ ledger, clock }: Pick<Keyturn, 'ledger' | 'clock'>): Promise<readonly ProcessState[]> {
  return (await ledger.processes(clock() - lives)).filter(({ id }) => mayRun(id))
}

/** What these do together; empty where there are none. */
export function rolesOf(processes: readonly ProcessState[]): ReadonlySet<Role> {
  return new Set(roles.filter((role) => processes.some((one) => one.roles.includes(role))))
}
