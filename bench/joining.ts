// Many people join at once: the feed of nobody is replaced by the feed of all.
import { readFile, rename, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDaemon } from './daemon.ts'
import type { RunningDaemon } from './daemon.ts'
import { ldapWorld, manager } from './ldap.ts'
import type { LdapWorld } from './ldap.ts'
import { ledgerOf, settled } from './owed.ts'

export interface Joined {
  /** From the rename of the feed to the last account settled, ms. */
  readonly took: number
  readonly world: LdapWorld
}

export interface JoiningOptions {
  readonly people: number
  readonly delay: number | undefined
  /** So long after the rename everything of the daemon is killed and started again, ms. */
  readonly killAfter?: number
}

/** Calls back when all have joined, while the server still stands. */
export async function allJoin<T>(options: JoiningOptions, then: (joined: Joined) => Promise<T>): Promise<T> {
  const { people, delay, killAfter } = options
  await using world = await ldapWorld(people, { nosync: true, ...(delay === undefined ? {} : { delay }) })
  const text = await readFile(world.feed, 'utf8')
  await writeFile(`${world.feed}.all`, text)
  await writeFile(world.feed, text.slice(0, text.indexOf('\n') + 1))
  const took = await join(world, people, killAfter)
  return await then({ took, world })
}

async function join(world: LdapWorld, people: number, killAfter: number | undefined): Promise<number> {
  const start = () => startDaemon(world.folder, { DIRECTORY_PASSWORD: manager.password })
  await using stack = new AsyncDisposableStack()
  const daemon: RunningDaemon = stack.use(await start())
  await daemon.says('planned')
  await sleep(1_500)
  await using ledger = await ledgerOf(world)
  const begun = performance.now()
  await rename(`${world.feed}.all`, world.feed)
  if (killAfter !== undefined) {
    await sleep(killAfter)
    await daemon.kill()
    stack.use(await start())
  }
  return (await settled(ledger, people)) - begun
}
