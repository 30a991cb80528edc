// Which processes of the daemon run, on whatever machine.
import { hostname } from 'node:os'
import { lookIntoSpools } from '../apply/spool-look.ts'
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

/**
 * Does a process of this machine take over what is spooled here? One that cannot write the ledger cannot say there that it runs,
 * but notes that in its spool.
 */
export async function isSpoolWatched(keyturn: Pick<Keyturn, 'ledger' | 'clock' | 'settings'>): Promise<boolean> {
  const here = (await whoRuns(keyturn)).filter(({ id }) => id.startsWith(`${hostname()}:`))
  if (rolesOf(here).has('workers')) return true
  return (await lookIntoSpools(keyturn.settings.state.folder, keyturn.clock)).trouble !== null
}
