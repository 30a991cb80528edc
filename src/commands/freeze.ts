import type { Command } from 'commander'
import type { Runner } from './command.ts'
import { defineWord } from './override.ts'

export function define(command: Command, runner: Runner): void {
  defineWord(command, runner, 'freeze')
}
