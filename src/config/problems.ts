import { showPlace } from '../model/place.ts'
import type { Problem } from '../model/place.ts'

/** How much of a long line is shown, and how much of it before the column. */
const width = 100
const before = 60

/**
 * A problem for the terminal: `file:line:column: error: path: message`, then the offending line with a mark under the
 * column, then what to do next. Lines end without a line break after the last.
 */
export function showProblem(problem: Problem): string {
  const where = problem.path === '' ? '' : `${problem.path}: `
  const lines = [`${showPlace(problem.place)}: ${problem.severity}: ${where}${problem.message}`]
  if (problem.excerpt !== undefined) lines.push(...marked(problem.excerpt, problem.place.line, problem.place.column))
  if (problem.hint !== undefined) lines.push(`  ${problem.hint}`)
  return lines.join('\n')
}

/** All errors among them, for the terminal; warnings are left out. */
export function showErrors(problems: readonly Problem[]): string {
  return problems
    .filter(({ severity }) => severity === 'error')
    .map(showProblem)
    .join('\n')
}

function marked(excerpt: string, line: number, column: number | undefined): readonly string[] {
  const from = Math.max(0, (column ?? 1) - 1 - before)
  const shown = excerpt.slice(from, from + width)
  const gutter = `  ${line} | `
  const first = `${gutter}${from > 0 ? '…' : ''}${shown}${from + width < excerpt.length ? '…' : ''}`
  if (column === undefined || column - 1 > excerpt.length) return [first]
  // Tabs stay tabs, so that the mark stands under the column at any tab width.
  const lead = excerpt.slice(from, column - 1).replaceAll(/[^\t]/g, ' ')
  return [first, `${' '.repeat(gutter.length)}${from > 0 ? ' ' : ''}${lead}^`]
}
