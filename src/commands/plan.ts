import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import colours from 'picocolors'
import { renderPlan, renderPlanTotals } from '../report/plan.ts'
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
  const only =
    options.person === undefined
      ? undefined
      : new Set([(await findPerson(keyturn, planning.people.identities, options.person)).id])
  if (options.out !== undefined) await writeFile(options.out, savedPlan(planning.plan), { mode: 0o600 })
  invocation.answer(planDocument(planning, only))
  invocation.say(renderPlanning(planning, options.all === true ? Number.POSITIVE_INFINITY : 20, only))
  invocation.say(closing(planning))
  if (planning.unread.length > 0 || refused(planning)) return 1
  return planning.plan.changes.length + planning.plan.withheld.length > 0 ? 2 : 0
}

/** Everything but the last line: feeds, platforms, totals. */
export function renderPlanning(planning: Planning, most: number, only?: ReadonlySet<string>): string {
  return [
    renderIntakes(planning.people.intakes, most),
    renderPlan(planning.plan, only === undefined ? { most } : { most, only }),
    renderUnread(planning.unread),
    renderPlanTotals(planning.plan),
  ]
    .filter((section) => section !== '')
    .join('\n\n')
}

export function refused(planning: Planning): boolean {
  return planning.people.intakes.some((intake) => intake.accepted === null)
}

function closing({ plan: { id, changes, withheld }, unread }: Planning): string {
  if (changes.length === 0 && withheld.length === 0) {
    return unread.length === 0 ? '\nNothing to do.' : '\nNothing to do on what could be read.'
  }
  if (changes.length === 0) return '\nNothing can be applied; what is withheld needs a person (above).'
  const command = `keyturn apply --plan ${id.slice(0, 16)}`
  return `\nPlan ${colours.bold(id)}\nApply exactly this with: ${colours.bold(command)}`
}
