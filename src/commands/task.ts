import type { Command } from 'commander'
import { act } from './command.ts'
import type { Runner } from './command.ts'
import { KeyturnError, summarise } from '../model/errors.ts'
import { openLog } from '../server/log.ts'

/** A process of the daemon: it is started by `run` and by nobody else. */
export function define(command: Command, runner: Runner): void {
  command.argument('<task>').action(
    act(runner, async (_invocation, _options, [task]) => {
      if (process.send === undefined) throw new KeyturnError('usage', 'tasks are started by "keyturn run"')
      try {
        // Each loads what it needs and no more: a pass begins half a second sooner without the queue.
        if (task === 'pass') await (await import('../server/daemon/pass.ts')).runPass()
        else await (await import('../server/daemon/changes.ts')).runChanges()
      } catch (error) {
        if (!(error instanceof KeyturnError)) throw error
        // Asked to stop by the daemon: what was not done is still owed.
        if (error.code === 'stopped') return 0
        // Among the daemon's own lines, and not as a command would tell a person.
        const logger = await openLog({ level: 'error', pretty: process.stderr.isTTY })
        logger.error(`the process of the daemon for ${task} cannot go on`, { ...summarise(error), hint: error.hint })
        return 1
      }
      return 0
    }),
  )
}
