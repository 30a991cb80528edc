import type { Command } from 'commander'
import colours from 'picocolors'
import { KeyturnError } from '../model/errors.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Hold } from '../model/ledger.ts'
import { count, quoted, showInstant, showMoment, table, visible } from '../report/text.ts'
import { stillOpen } from '../server/by-hand.ts'
import type { Keyturn } from '../server/context.ts'
import { act } from './command.ts'
import type { ExitCode, Invocation, Runner } from './command.ts'
import { openInForce } from './in-force.ts'
import { reasonOf } from './reason.ts'

interface Decision {
  readonly reason: string
  readonly person?: readonly string[]
}

export function define(holds: Command, runner: Runner): void {
  holds.addHelpText('after', '\nExit code: 0 nothing is held, 2 something is.').action(act(runner, list))
  holds.command('list').description('the open holds').action(act(runner, list))
  holds.command('show').argument('<id>').description('one hold, person by person').action(act(runner, show))
  for (const [name, description] of [
    ['approve', 'release it, as far as it is still needed; of a protected account: say it was shut by hand'],
    ['reject', 'never do it; it stays withheld and is not asked again'],
  ] as const) {
    holds
      .command(name)
      .argument('<id>')
      .description(description)
      .requiredOption('--reason <text>', 'why; it goes into the audit')
      .option('--person <id...>', 'only these people; the rest stays held')
      .addHelpText('after', '\nExit code: 0 it is recorded, 2 it is, and a protected account is still open.')
      .action(act<Decision>(runner, (invocation, options, args) => decide(invocation, options, args, name)))
  }
}

async function list(invocation: Invocation): Promise<ExitCode> {
  await using keyturn = await openInForce(invocation, { readOnly: true })
  const holds = await keyturn.ledger.holds({ status: 'open' })
  invocation.answer({ holds })
  if (holds.length === 0) invocation.say('Nothing is held.')
  else {
    const zone = keyturn.settings.organisation.timezone
    const rows = holds.map((hold) => [
      hold.id,
      hold.platform,
      new Set(openItems(hold).map(({ identity }) => identity)).size,
      openItems(hold).length,
      showInstant(hold.madeAt, zone),
      hold.text,
    ])
    invocation.say(table(['id', 'platform', 'people', 'changes', 'since', 'why'], rows))
    invocation.say('\nLook with "keyturn holds show ID"; release with "keyturn holds approve ID --reason TEXT".')
  }
  return holds.length === 0 ? 0 : 2
}

async function show(invocation: Invocation, _options: object, args: readonly string[]): Promise<ExitCode> {
  await using keyturn = await openInForce(invocation, { readOnly: true })
  const hold = await holdOf(keyturn, args[0] ?? '')
  invocation.answer({ hold })
  const zone = keyturn.settings.organisation.timezone
  if (hold.id !== Number(args[0]))
    invocation.say(colours.yellow(`Hold ${args[0]} is superseded by hold ${hold.id}, which holds more:`))
  const heading = `${colours.bold(`Hold ${hold.id}`)}  ${hold.platform}  ${hold.status}`
  invocation.say([heading, hold.text, ...decision(hold, zone)].join('\n') + '\n')
  invocation.say(
    table(
      ['person', 'decision', 'change'],
      hold.items.map((item) => [item.identity, item.status, item.summary]),
    ),
  )
  return 0
}

async function decide(
  invocation: Invocation,
  options: Decision,
  args: readonly string[],
  verb: 'approve' | 'reject',
): Promise<ExitCode> {
  const reason = reasonOf(options.reason)
  await using keyturn = await openInForce(invocation, { readOnly: false })
  const hold = await holdOf(keyturn, args[0] ?? '')
  const asked = Number(args[0])
  // By a number that is superseded nobody is decided about: the ledger refuses it.
  const isNamed = options.person !== undefined && hold.id === asked
  const only = isNamed ? await peopleOf(keyturn, hold, options.person ?? []) : undefined
  const decision = verb === 'approve' ? 'approved' : 'rejected'
  const now = keyturn.clock()
  const decided = await keyturn.ledger.decideHold(asked, decision, keyturn.operator, reason, now, only)
  const done = decided.items.filter((item) => item.status === decision)
  const left = openItems(decided).length
  const isByHand = verb === 'approve' && hold.why === 'protected'
  const open = isByHand ? await stillOpen(keyturn, hold.platform, [...new Set(done.map((item) => item.identity))]) : []
  invocation.answer({ hold: decided, ...(isByHand ? { stillOpen: open } : {}) })
  invocation.say(`${count(done.length, 'change')} ${decision}${left === 0 ? '' : `, ${left} still held`}.`)
  if (verb === 'approve') invocation.say(isByHand ? doneByHand : released)
  if (open === null) invocation.say(colours.yellow(`Nobody could look whether it is shut on ${hold.platform}.`))
  for (const { identity, account } of open ?? []) {
    const text = `${visible(account)} of ${identity} is STILL OPEN on ${hold.platform}, as seen just now: shut it there.`
    invocation.say(colours.red(text))
  }
  return open !== null && open.length > 0 ? 2 : 0
}

/** Who decided, when and why; of a hold that a plan ended there is nobody. */
function decision({ decidedAt, decidedBy, reason, madeAt }: Hold, zone: string): readonly string[] {
  const made = `since ${showMoment(madeAt, zone)}`
  if (decidedAt === null || decidedBy === null) return [made]
  return [
    made,
    `decided ${showMoment(decidedAt, zone)} by ${decidedBy}${reason === null ? '' : `: ${visible(reason)}`}`,
  ]
}

const released =
  'A running daemon carries them out at once, as far as they are still needed; without one, "keyturn apply" does.'
/** Law 14: no word lets Keyturn change a protected account. */
const doneByHand =
  'Recorded as done by hand: Keyturn changes nothing there, and says no more about it until the owner is back.'

const openItems = (hold: Hold) => hold.items.filter((item) => item.status === 'open')

async function holdOf(keyturn: Keyturn, text: string): Promise<Hold> {
  const id = Number(text)
  const found = Number.isInteger(id) ? await keyturn.ledger.holds({ id }) : []
  const hold = found[0]
  if (hold !== undefined) return hold
  throw new KeyturnError('not-found', `there is no hold ${quoted(text)}`, { hint: '"keyturn holds" lists them.' })
}

/** The people of the hold whom these texts mean. Throws KeyturnError `not-found` for a text that means none of them, or several. */
async function peopleOf(keyturn: Keyturn, hold: Hold, given: readonly string[]): Promise<readonly IdentityId[]> {
  const held = new Set(hold.items.map((item) => item.identity))
  const found = await Promise.all(
    given.map(async (text) => {
      const people = held.has(text) ? [text] : (await keyturn.ledger.findPeople(text)).map((person) => person.id)
      return people.filter((id) => held.has(id))
    }),
  )
  const wrong = given.filter((_, index) => found[index]?.length !== 1)
  if (wrong.length === 0) return found.flat()
  throw new KeyturnError(
    'not-found',
    `nobody in hold ${hold.id}, or more than one person, is ${wrong.map(quoted).join(', ')}`,
    {
      hint: `"keyturn holds show ${hold.id}" lists its people; give their ids.`,
    },
  )
}
