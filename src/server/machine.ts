// Which processes of this machine are certainly gone: what they had claimed does not wait for the end of a lease.
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { isAlive } from '../apply/spool.ts'
import { summarise } from '../model/errors.ts'
import type { Lane } from '../model/change.ts'
import type { Foundation } from './context.ts'

/** This boot of this machine and where its process ids count (random(4), pid_namespaces(7)); empty where the system does not tell. */
function bootOfThisMachine(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot}/${readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '')}`
  } catch {
    return ''
  }
}

const boot = bootOfThisMachine()

/** Under which name the workers of one lane in one process claim. */
export function workerName(pid: number, lane: Lane): string {
  return `${hostname()}:${pid}:${lane}:${boot}`
}

/** Null for a worker of another machine, of another boot of this one, or where the system does not tell them apart. */
function pidOf(worker: string): number | null {
  const [, name, pid, where] = /^(.*):(\d+):\w+:([^:]*)$/.exec(worker) ?? []
  return name === hostname() && where === boot && boot !== '' ? Number(pid) : null
}

/** False for a process of this machine, `host:pid`, that is certainly gone, whatever it said last. */
export function mayRun(process: string): boolean {
  const [, name, pid] = /^(.*):(\d+)$/.exec(process) ?? []
  return name !== hostname() || isAlive(Number(pid))
}

/** What processes of this machine had claimed when they were killed is due at once. Never throws: leases end by themselves. */
export async function releaseOfTheDead({ ledger, logger }: Pick<Foundation, 'ledger' | 'logger'>): Promise<void> {
  try {
    const workers = await ledger.claimants()
    const dead = workers.filter((worker) => {
      const pid = pidOf(worker)
      // An id that somebody else has by now counts as alive: then the lease decides.
      return pid !== null && !isAlive(pid)
    })
    for (const worker of dead) await ledger.releaseAllOf(worker)
    if (dead.length > 0) logger.info('claims of processes that were killed are free again', { workers: dead.length })
  } catch (error) {
    logger.debug('claims of processes that were killed could not be looked for', summarise(error))
  }
}
