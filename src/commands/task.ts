import type { Command } from 'commander'
import { runChanges } from '../server/daemon/changes.ts'
import { runPass } from '../server/daemon/pass.ts'
import { act } from './command.ts'
import type { Runner } from './command.ts'
import { KeyturnError } from '../model/errors.ts'

/** A process of the daemon: it is started by `run` and by nobody else. */
export function define(command: Command, runner: Runner): void {
  command.argument('<task>').action(
    act(runner, async (_invocation, _options, [task]) => {
      if (process.send === undefined) throw new KeyturnError('usage', 'tasks are started by "keyturn run"')
      try {
        if (task === 'pass') await runPass()
        else await runChanges()
      } catch (error) {
        // Asked to stop by the daemon: what was not done is still owed.
        if (!(error instanceof KeyturnError) || error.code !== 'stopped') throw error
      }
      return 0
    }),
  )
}
