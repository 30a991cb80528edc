import type { Command } from 'commander'
import { runDemo } from '../demo/story.ts'
import { act } from './command.ts'
import type { ExitCode, Runner } from './command.ts'

interface Options {
  readonly keep?: boolean
}

export function define(command: Command, runner: Runner): void {
  command.option('--keep', 'leave everything running, and say how to look around').action(
    act<Options>(runner, async (invocation, options): Promise<ExitCode> => {
      return runDemo({ keep: options.keep === true, json: invocation.json, signal: invocation.signal })
    }),
  )
}
