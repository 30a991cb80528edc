import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import colours from 'picocolors'
import { KeyturnError } from '../model/errors.ts'
import { count, table } from '../report/text.ts'
import { confirmAdoption, readChoices, surveyAdoption } from '../server/adopting.ts'
import type { Adoptable, Adoption, Choice } from '../server/adopting.ts'
import { openKeyturn } from '../server/context.ts'
import { act } from './command.ts'
import type { ExitCode, Invocation, Runner } from './command.ts'

interface Options {
  readonly confirm?: boolean
  readonly from?: string
  readonly all?: boolean
}

export function define(command: Command, runner: Runner): void {
  command
    .argument('<platform>')
    .option('--confirm', 'link what is certain or has one candidate')
    .option('--from <file>', 'link what a file says, one "key,native id" a line')
    .option('--all', 'every account, however many')
    .action(act<Options>(runner, adopt))
}

async function adopt(invocation: Invocation, options: Options, args: readonly string[]): Promise<ExitCode> {
  const platform = args[0] ?? ''
  const writes = options.confirm === true || options.from !== undefined
  await using keyturn = await openKeyturn({ config: invocation.config, readOnly: !writes })
  const adoption = await surveyAdoption(keyturn, platform, invocation.signal)
  if (!writes) return show(invocation, platform, adoption, options.all === true)
  const choices = options.from === undefined ? certain(adoption) : await fromFile(options.from, adoption)
  const linked = await confirmAdoption(keyturn, platform, adoption, choices)
  invocation.answer({ platform, linked })
  invocation.say(`${count(linked, 'account')} linked on ${platform}. Nothing on the platform was touched.`)
  return 0
}

function certain(adoption: Adoption): readonly Choice[] {
  return adoption.accounts.flatMap(({ identity, situation, account }) =>
    identity !== null && (situation === 'unlinked' || situation === 'proposed')
      ? [{ identity, nativeId: account.nativeId }]
      : [],
  )
}

async function fromFile(file: string, adoption: Adoption): Promise<readonly Choice[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new KeyturnError('usage', `the file ${file} cannot be read`, { cause })
  })
  return readChoices(text, file, adoption)
}

const meanings: Readonly<Record<Adoptable['situation'], string>> = {
  linked: 'Keyturn knows whose it is',
  unlinked: 'certain by a strong key; the next apply links it by itself',
  proposed: 'one candidate by a weak key; --confirm links it',
  disputed: 'several answers; say it with --from FILE, or correct the key',
  unmatched: 'nobody in the feeds; never touched',
}

/** So many lines are shown without --all. */
const most = 40

function show(invocation: Invocation, platform: string, adoption: Adoption, all: boolean): ExitCode {
  const { accounts } = adoption
  invocation.answer({
    platform,
    accounts: accounts.map(({ account, situation, identity, by }) => ({
      nativeId: account.nativeId,
      name: account.name,
      address: account.address,
      situation,
      identity,
      by,
    })),
  })
  const order = ['disputed', 'proposed', 'unlinked', 'unmatched', 'linked'] as const
  const groups = order.map((situation) => accounts.filter((one) => one.situation === situation))
  const summary = order.map((situation, index) => [situation, groups[index]?.length ?? 0, meanings[situation]])
  invocation.say(
    `${colours.bold(platform)}  ${count(accounts.length, 'account')}\n\n${table(['situation', 'accounts', 'meaning'], summary)}`,
  )
  const rows = groups.flat().filter((one) => all || one.situation !== 'linked')
  const shown = all ? rows : rows.slice(0, most)
  if (shown.length > 0) {
    const lines = shown.map(({ account, situation, identity, by }) => [
      account.name,
      situation,
      identity ?? '',
      by,
      account.nativeId,
    ])
    invocation.say(`\n${table(['account', 'situation', 'person', 'key', 'native id'], lines)}`)
  }
  if (rows.length > shown.length)
    invocation.say(colours.dim(`… and ${rows.length - shown.length} more (--all shows them)`))
  // No line of a file settles these: the account has its owner.
  const clashes = groups.flat().flatMap(({ situation, by }) => (situation === 'linked' && by !== '' ? [by] : []))
  for (const clash of all ? clashes : clashes.slice(0, most)) invocation.say(`\n${colours.red('disputed')}  ${clash}`)
  const certainNow = accounts.some((one) => one.situation === 'unlinked' || one.situation === 'proposed')
  if (certainNow) invocation.say(`\nLink them with: keyturn adopt ${platform} --confirm`)
  return 0
}
