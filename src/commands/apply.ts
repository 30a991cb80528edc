import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import colours from 'picocolors'
import { KeyturnError } from '../model/errors.ts'
import type { Change, Plan } from '../model/change.ts'
import { renderApply } from '../report/apply.ts'
import type { ApplyRendering } from '../report/apply.ts'
import { renderLeft, showChange } from '../report/plan.ts'
import { isReviewed, untilNotOvertaken } from '../server/applying.ts'
import type { ApplyReport } from '../server/applying.ts'
import { openKeyturn } from '../server/context.ts'
import { applyAndFollow } from '../server/following.ts'
import { makePlanning } from '../server/planning.ts'
import type { Planning } from '../server/planning.ts'
import { takeSpooled } from '../server/spooled.ts'
import { applyDocument } from './apply-document.ts'
import { act } from './command.ts'
import type { ExitCode, Invocation, Runner } from './command.ts'
import { difference, readSavedPlan } from './plan-document.ts'
import { refused, renderPlanning } from './plan.ts'
import { withSteps } from './progress.ts'
import { renderIntakes, renderUnread } from './sources.ts'

interface Options {
  readonly plan?: string
  readonly all?: boolean
}

export function define(command: Command, runner: Runner): void {
  command
    .option('--plan <hash|file>', 'carry out exactly the plan that was reviewed, or refuse with the difference')
    .option('--all', 'every line, however long')
    .addHelpText(
      'after',
      '\nExit code: 0 done or nothing to do, 2 something was withheld, 1 something failed or is owed.',
    )
    .action(act<Options>(runner, apply))
}

async function apply(invocation: Invocation, options: Options): Promise<ExitCode> {
  const reviewed = options.plan === undefined ? null : await readReviewed(options.plan)
  await using keyturn = await openKeyturn({ config: invocation.config, readOnly: false })
  await takeSpooled(keyturn)
  const startedAt = keyturn.clock()
  const most = options.all === true ? Number.POSITIVE_INFINITY : 20
  const { signal } = invocation
  const result = await withSteps(invocation, (steps) =>
    untilNotOvertaken(async () => {
      const planning = await makePlanning(keyturn, { confirmed: reviewed !== null, signal, onStage: steps.stage })
      if (reviewed !== null && !isReviewed(planning.plan, reviewed.hash)) return { planning, report: null }
      const options = { signal, onStage: steps.stage, onProgress: steps.progress }
      return { planning, report: await applyAndFollow(keyturn, planning, options) }
    }),
  )
  if (result.report === null) return refuse(invocation, result.planning, reviewed, most)
  invocation.answer(applyDocument(result.report, startedAt))
  const zone = keyturn.settings.organisation.timezone
  invocation.say(renderReport(result.report, { most, took: keyturn.clock() - startedAt, zone }))
  return exitCode(result.report)
}

/** The feeds, and what could not be read or was left as it is, come first: nobody should read "nothing to do" over a platform that is down. */
function renderReport(report: ApplyReport, options: ApplyRendering): string {
  return [
    renderIntakes(report.people.intakes, options.most),
    renderUnread(report.unread),
    renderLeft(report.plan, options.most),
    renderApply(report, options),
  ]
    .filter((section) => section !== '')
    .join('\n\n')
}

interface Reviewed {
  readonly hash: string
  readonly saved: ReturnType<typeof readSavedPlan>
}

/** A hash of at least twelve digits, or a file that `plan --out` wrote. Throws KeyturnError `usage`. */
async function readReviewed(given: string): Promise<Reviewed> {
  if (/^[0-9a-f]{12,64}$/.test(given)) return { hash: given, saved: null }
  const text = await readFile(given, 'utf8').catch(() => null)
  const saved = text === null ? null : readSavedPlan(text)
  if (saved !== null) return { hash: saved.plan, saved }
  throw new KeyturnError(
    'usage',
    `--plan takes a plan's hash (12 to 64 hexadecimal digits) or a file of "plan --out"; given: ${given}`,
  )
}

function refuse(invocation: Invocation, planning: Planning, reviewed: Reviewed | null, most: number): ExitCode {
  const message = `the plan is no longer the one that was reviewed (${reviewed?.hash ?? ''}); it is now ${planning.plan.id}. Nothing was changed.`
  const saved = reviewed?.saved ?? null
  const differs = saved === null ? null : difference(saved, planning.plan)
  invocation.answer({
    error: { code: 'plan-changed', message },
    plan: planning.plan.id,
    ...(differs ?? { changes: planning.plan.changes }),
  })
  invocation.say(differs === null ? renderPlanning(planning, most) : renderDifference(differs))
  if (!invocation.json)
    process.stderr.write(`\n${colours.red('keyturn:')} ${message}\n${wayOut(planning.plan, differs !== null)}\n`)
  return 1
}

function wayOut(plan: Plan, shown: boolean): string {
  const look = shown
    ? ''
    : 'Above is the plan as it is now ("plan --out FILE" and "apply --plan FILE" show only what differs). '
  return `${look}If it is right: keyturn apply --plan ${plan.id.slice(0, 16)}`
}

function renderDifference({
  added,
  gone,
}: {
  readonly added: readonly Change[]
  readonly gone: readonly Change[]
}): string {
  const lines = (changes: readonly Change[]) =>
    changes.map(
      (change) => `  ${change.platform}  ${change.account}  ${colours.dim(change.identity)}  ${showChange(change)}`,
    )
  return [
    `${colours.bold('In the plan now, but not reviewed')} (${added.length})`,
    ...lines(added),
    `${colours.bold('Reviewed, but no longer in the plan')} (${gone.length})`,
    ...lines(gone),
  ].join('\n')
}

function exitCode(report: ApplyReport): ExitCode {
  const unfinished = report.obligations.some((one) => one.state !== 'settled')
  if (unfinished || report.unread.length > 0 || refused(report)) return 1
  return report.plan.withheld.length > 0 || report.settled.some((one) => one.moved) ? 2 : 0
}
