import type { Command } from 'commander'
import { act } from './command.ts'
import type { Runner } from './command.ts'
import { KeyturnError } from '../model/errors.ts'

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
        // Asked to stop by the daemon: what was not done is still owed.
        if (!(error instanceof KeyturnError) || error.code !== 'stopped') throw error
      }
      return 0
    }),
  )
}
