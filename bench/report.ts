/** One line of the table: what was measured against what can be reached at most. */
export interface Measurement {
  readonly what: string
  /** Such as `2,480 people/s`. */
  readonly figure: string
  /** The physical limit, measured in the same run; '' where the target is absolute. */
  readonly limit: string
  /** Figure to limit, or '' */
  readonly ratio: string
  readonly target: string
  /** null: there is no target, the figure stands for itself. */
  readonly met: boolean | null
  /** What a reader must know to judge the figure. */
  readonly note?: string
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? Number.NaN
  return Number.isInteger(middle) ? (upper + (sorted[middle - 1] ?? Number.NaN)) / 2 : upper
}

export const perSecond = (count: number, ms: number, unit: string) =>
  `${Math.round((count / ms) * 1_000).toLocaleString('en-US')} ${unit}/s`

export const seconds = (ms: number) => `${(ms / 1_000).toFixed(2)} s`

/** Progress goes to standard error: the table is the answer. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
