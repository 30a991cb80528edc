import type { Command } from 'commander'
import colours from 'picocolors'
import { renderExplanation } from '../report/explanation.ts'
import { openInForce } from './in-force.ts'
import { explain } from '../server/explaining.ts'
import { connectorOf } from '../server/survey.ts'
import { act } from './command.ts'
import type { ExitCode, Invocation, Runner } from './command.ts'
import { findPerson } from './person.ts'

export function define(command: Command, runner: Runner): void {
  command
    .argument('<person>', 'key, source:key, mail address or account name')
    .argument('[platform]', 'only this platform')
    .action(act(runner, run))
}

async function run(invocation: Invocation, _options: object, args: readonly string[]): Promise<ExitCode> {
  await using keyturn = await openInForce(invocation, { readOnly: true })
  const [person = '', platform] = args
  if (platform !== undefined) connectorOf(keyturn, platform)
  const identity = await findPerson(keyturn, [], person)
  const { signal } = invocation
  const only = platform === undefined ? {} : { platform }
  const explanation = await explain(keyturn, identity, { most: 15, signal, ...only })
  invocation.answer(explanation)
  invocation.say(renderExplanation(explanation, { zone: keyturn.settings.organisation.timezone, bold: colours.bold }))
  return 0
}
