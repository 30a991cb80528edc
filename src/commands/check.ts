import type { Command } from 'commander'
import colours from 'picocolors'
import { loadConfig } from '../config/index.ts'
import { showProblem } from '../config/problems.ts'
import { count } from '../report/text.ts'
import { act } from './command.ts'
import type { ExitCode, Invocation, Runner } from './command.ts'

export function define(command: Command, runner: Runner): void {
  command
    .addHelpText('after', '\nExit code: 0 no mistakes (there may be warnings), 1 mistakes.')
    .action(act(runner, check))
}

async function check(invocation: Invocation): Promise<ExitCode> {
  const { settings, problems } = await loadConfig(invocation.config)
  const errors = problems.filter((problem) => problem.severity === 'error')
  const warnings = problems.length - errors.length
  invocation.answer({ valid: settings !== null, policyVersion: settings?.policyVersion ?? null, problems })
  for (const problem of problems) invocation.say(`${showProblem(problem)}\n`)
  const warned = warnings === 0 ? '' : `, ${count(warnings, 'warning')}`
  if (settings === null) {
    invocation.say(colours.red(`${count(errors.length, 'mistake')}${warned}. Nothing was read or changed.`))
    return 1
  }
  const parts = [
    count(Object.keys(settings.sources).length, 'source'),
    count(Object.keys(settings.platforms).length, 'platform'),
    count(Object.keys(settings.roles).length, 'role'),
  ]
  invocation.say(
    `${colours.green('No mistakes')}${warned}: ${parts.join(', ')}. Policy ${settings.policyVersion.slice(0, 12)}`,
  )
  return 0
}
