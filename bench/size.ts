/** `KEYTURN_BENCH=quick`: small sizes and few rounds, to try whether everything works; the figures mean little. */
export const quick = process.env['KEYTURN_BENCH'] === 'quick'

/** The one number that is meant: the full one, or the small one of a quick run. */
export function size(full: number, small: number): number {
  return quick ? small : full
}
