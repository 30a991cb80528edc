// The sizes that keep this project readable. The share counts only once there are enough files to speak of one.
import { factsOf } from './source.ts'
import type { SourceFile, Violation } from './source.ts'

const limits = { file: 400, function: 60, ninetyPercentOfFiles: 250, filesToSpeakOfAShare: 20 }

export function sizeViolations(files: readonly SourceFile[]): Violation[] {
  const facts = files.map((file) => ({ path: file.path, ...factsOf(file) }))
  const longFiles = facts
    .filter((file) => file.lines > limits.file)
    .map((file) => ({ where: file.path, what: `${file.lines} lines, more than ${limits.file}` }))
  const longFunctions = facts.flatMap((file) =>
    file.functions
      .filter((one) => one.lines > limits.function)
      .map((one) => ({
        where: `${file.path}:${one.line}`,
        what: `a function of ${one.lines} lines, more than ${limits.function}`,
      })),
  )
  return [...longFiles, ...longFunctions, ...shareViolations(facts)]
}

function shareViolations(facts: readonly { path: string; lines: number }[]): Violation[] {
  if (facts.length <= limits.filesToSpeakOfAShare) return []
  const sizes = facts.map((file) => file.lines).toSorted((a, b) => a - b)
  const ninetieth = sizes[Math.ceil(sizes.length * 0.9) - 1] ?? 0
  if (ninetieth <= limits.ninetyPercentOfFiles) return []
  const what = `90 % of the files reach up to ${ninetieth} lines, more than ${limits.ninetyPercentOfFiles}`
  return [{ where: 'src', what }]
}
