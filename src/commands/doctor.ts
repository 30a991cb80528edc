import type { Command } from 'commander'
import colours from 'picocolors'
import { examine, openExamined } from '../server/doctor.ts'
import type { Finding } from '../server/doctor.ts'
import { act } from './command.ts'
import type { ExitCode, Invocation, Runner } from './command.ts'

const marks = { error: colours.red('✗'), warning: colours.yellow('!'), fact: colours.green('✓') } as const

export function define(command: Command, runner: Runner): void {
  command
    .addHelpText('after', '\nExit code: 0 all well (there may be warnings), 1 something must be fixed.')
    .action(act(runner, doctor))
}

async function doctor(invocation: Invocation): Promise<ExitCode> {
  await using keyturn = await openExamined(invocation.config)
  const findings = await examine(keyturn, invocation.signal)
  invocation.answer({ findings })
  for (const [subject, own] of Map.groupBy(findings, (finding) => finding.subject)) {
    invocation.say([colours.bold(subject), ...own.map(line)].join('\n'))
  }
  const count = (wanted: Finding['severity']) => findings.filter(({ severity }) => severity === wanted).length
  const errors = count('error')
  const warnings = count('warning')
  const good =
    warnings === 0
      ? colours.green('All well.')
      : colours.yellow(`Nothing to fix; read what is marked with ! (${warnings}).`)
  invocation.say(`\n${errors === 0 ? good : colours.red(`${errors} to fix.`)}`)
  return errors === 0 ? 0 : 1
}

function line({ severity, message, hint }: Finding): string {
  return `  ${marks[severity]} ${message}${hint === undefined ? '' : `\n      ${colours.dim(hint)}`}`
}
