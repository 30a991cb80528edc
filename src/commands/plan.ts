import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import colours from 'picocolors'
import { reviewedChanges } from '../model/change.ts'
import type { Plan } from '../model/change.ts'
import { KeyturnError } from '../model/errors.ts'
import type { IdentityId } from '../model/identity.ts'
import { renderPlan, renderPlanTotals } from '../report/plan.ts'
import { renderWords } from '../report/words.ts'
import { count } from '../report/text.ts'
import { openKeyturn } from '../server/context.ts'
import { makePlanning } from '../server/planning.ts'
import type { Planning } from '../server/planning.ts'
import { act } from './command.ts'
import type { ExitCode, Invocation, Runner } from './command.ts'
import { findPerson } from './person.ts'
import { planDocument, savedPlan } from './plan-document.ts'
import { withSteps } from './progress.ts'
import { renderIntakes, renderUnread } from './sources.ts'

interface Options {
  readonly person?: string
  readonly all?: boolean
  readonly out?: string
}

export function define(command: Command, runner: Runner): void {
  command
    .option('--person <id>', 'only what concerns one person: key, id, mail or account name')
    .option('--all', 'every line, however long')
    .option('--out <file>', 'keep the plan in a file, so that "apply --plan FILE" can show exactly what differs')
    .addHelpText('after', '\nExit code: 0 nothing to do, 2 changes pending or withheld, 1 error.')
    .action(act<Options>(runner, plan))
}

async function plan(invocation: Invocation, options: Options): Promise<ExitCode> {
  await using keyturn = await openKeyturn({ config: invocation.config, readOnly: true })
  const planning = await withSteps(invocation, (steps) =>
    makePlanning(keyturn, { confirmed: false, signal: invocation.signal, onStage: steps.stage }),
  )
  if (options.out !== undefined) await keep(planning.plan, options.out)
  const person =
    options.person === undefined ? null : await findPerson(keyturn, planning.people.identities, options.person)
  const shown = person === null ? planning : concerning(planning, person.id)
  invocation.answer(planDocument(shown))
  invocation.say(renderPlanning(shown, options.all === true ? Number.POSITIVE_INFINITY : 20))
  invocation.say(person === null ? closing(planning) : closingOfOne(shown.plan, planning.plan, person.id))
  if (planning.unread.length > 0 || refused(planning)) return 1
  return shown.plan.changes.length + shown.plan.withheld.length > 0 ? 2 : 0
}

async function keep(plan: Plan, file: string): Promise<void> {
  await writeFile(file, savedPlan(plan), { mode: 0o600 }).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new KeyturnError('usage', `the plan cannot be kept in ${file}: ${why}`, { cause })
  })
}

/** The part of a plan that is about one person; its hash is that of the whole. */
function concerning({ plan, people, ...planning }: Planning, identity: IdentityId): Planning {
  return {
    ...planning,
    people: { ...people, identities: people.identities.filter(({ id }) => id === identity) },
    plan: {
      ...plan,
      changes: plan.changes.filter((change) => change.identity === identity),
      withheld: plan.withheld.filter(({ change }) => change.identity === identity),
      notes: plan.notes.filter((note) => note.identity === identity),
    },
  }
}

/** Everything but the last line: feeds, platforms, totals. */
export function renderPlanning(planning: Planning, most: number): string {
  return [
    renderIntakes(planning.people.intakes, most),
    renderPlan(planning.plan, most),
    renderUnread(planning.unread),
    renderWords(planning.people.identities, most),
    renderPlanTotals(planning.plan),
  ]
    .filter((section) => section !== '')
    .join('\n\n')
}

export function refused(planning: Planning): boolean {
  return planning.people.intakes.some((intake) => intake.accepted === null)
}

/** Nobody shall think that only this person's changes would be applied. */
function closingOfOne(own: Plan, { id, changes }: Plan, identity: IdentityId): string {
  if (own.changes.length === 0) return `\nNothing to apply for ${identity}.`
  return `\nThis is a part of plan ${colours.bold(id)}; to apply it carries out all of its ${count(changes.length, 'change')}.`
}

function closing({ plan, unread }: Planning): string {
  const { id, changes, withheld } = plan
  if (changes.length === 0 && withheld.length === 0) {
    return unread.length === 0 ? '\nNothing to do.' : '\nNothing to do on what could be read.'
  }
  const reviewed = reviewedChanges(plan).length
  if (reviewed === 0) return '\nNothing can be applied; what is withheld needs a person (above).'
  const command = `keyturn apply --plan ${id.slice(0, 16)}`
  const more = reviewed === changes.length ? '' : ` (with the ${reviewed - changes.length} that wait for a review)`
  return `\nPlan ${colours.bold(id)}\nApply exactly this${more} with: ${colours.bold(command)}`
}
