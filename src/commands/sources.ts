import colours from 'picocolors'
import type { KeyturnError } from '../model/errors.ts'
import type { IntakeResult } from '../model/identity.ts'
import { showPlace } from '../model/place.ts'
import { count, visible } from '../report/text.ts'

/** One line per feed, with its refusal or the records that were set aside. */
export function renderIntakes(intakes: readonly IntakeResult[], most: number): string {
  return intakes.flatMap((intake) => [headline(intake), ...problemLines(intake, most)]).join('\n')
}

function headline(intake: IntakeResult): string {
  const name = colours.bold(intake.source)
  if (intake.refused !== null) {
    return `${name}  ${colours.red('refused:')} ${visible(intake.refused.why)}\n  ${intake.refused.hint}`
  }
  const states = Map.groupBy(intake.identities, (identity) => identity.state)
  const parts = [...states].map(([state, people]) => `${people.length.toLocaleString('en-US')} ${state}`)
  return `${name}  ${count(intake.accepted?.rows ?? 0, 'row')}: ${parts.join(', ')}`
}

function problemLines(intake: IntakeResult, most: number): string[] {
  const lines = intake.problems.map((problem) => {
    const mark = problem.severity === 'error' ? colours.red('set aside') : colours.yellow('note')
    const path = problem.path === '' ? '' : `${problem.path}: `
    const hint = problem.hint === undefined ? '' : `. ${problem.hint}`
    return `  ${mark}  ${showPlace(problem.place)}  ${path}${visible(problem.message)}${hint}`
  })
  if (lines.length <= most) return lines
  return [...lines.slice(0, most), colours.dim(`  … and ${lines.length - most} more (--all shows them)`)]
}

/** Platforms that could not be read: nothing is planned there, and why. */
export function renderUnread(unread: readonly { readonly platform: string; readonly error: KeyturnError }[]): string {
  return unread
    .map(({ platform, error }) => {
      const hint = error.hint === undefined ? '' : `\n  ${error.hint}`
      return `${colours.bold(platform)}  ${colours.red('not read, nothing is planned here:')} ${error.message}${hint}`
    })
    .join('\n')
}
