/** A text whose rows are known: where the header ends, and then each row. */
export interface RowedText {
  readonly text: Uint8Array
  readonly ends: Uint32Array
}

/**
 * Where two texts differ: the old rows after `ends[first]` up to `ends[last]`, and the new text from `start` to `end`.
 * Everything between hunks is the same, byte for byte.
 */
export interface Hunk {
  readonly first: number
  readonly last: number
  readonly start: number
  readonly end: number
}

/** More rows than this are not worth comparing. */
const mostRows = 400

/** A changed row may be this much longer than it was, in bytes. */
const slack = 64 * 1024

const block = 256 * 1024
const lineFeed = 10
const carriageReturn = 13

/**
 * Compares a text with an earlier one, row by row only where they differ. Null where the header differs, or so much that
 * a whole read is the better answer.
 *
 * Each hunk begins at the end of an old row, and everything before it is the same in both texts. A CSV parser is a machine
 * that reads forward, and at the end of a row it remembers nothing of the rows before (delimiter and line endings are
 * stated to it, and lines are only counted): so the same bytes have the same rows, and the hunk begins at the end of a row
 * in the new text, too. The one thing it looks ahead for is the line feed after a carriage return, so a hunk never
 * begins right after a carriage return whose next byte differs. Quotes, blank lines and mixed line endings need no
 * other care, and byte-order marks and encodings none at all, since texts are compared and not files.
 *
 * The end of a hunk is only a proposal: the new text goes on there as the old one did after the end of a row. Whether a
 * row really ends there (a quote that was opened in the hunk may go on) knows who parses the hunk.
 */
export function hunksOf(old: RowedText, text: Uint8Array): readonly Hunk[] | null {
  const hunks: Hunk[] = []
  let rows = 0
  let at = { old: 0, now: 0 }
  for (;;) {
    const same = commonLength(old.text.subarray(at.old), text.subarray(at.now))
    at = { old: at.old + same, now: at.now + same }
    if (at.old === old.text.length && at.now === text.length) return hunks
    const first = rowBefore(old, at.old)
    const end = first === null ? null : endOf(old, text, { first, start: at.now - at.old + (old.ends[first] ?? 0) })
    if (end === null || rows > mostRows) return null
    rows += end.last - end.first
    hunks.push(end)
    at = { old: old.ends[end.last] ?? 0, now: end.end }
  }
}

/** How many bytes from the beginning are the same. */
export function commonLength(a: Uint8Array, b: Uint8Array): number {
  const most = Math.min(a.length, b.length)
  let at = 0
  // Buffer.compare is memcmp: a megabyte takes well below a millisecond.
  while (at < most && sameBetween(a, b, at, Math.min(at + block, most))) at = Math.min(at + block, most)
  let size = block
  while (at < most && size >= 64) {
    size /= 4
    while (at + size <= most && sameBetween(a, b, at, at + size)) at += size
  }
  while (at < most && a[at] === b[at]) at++
  return at
}

function sameBetween(a: Uint8Array, b: Uint8Array, from: number, to: number): boolean {
  return Buffer.compare(a.subarray(from, to), b.subarray(from, to)) === 0
}

/** The last row end from which on the texts may differ, when they are the same up to a byte; null inside the header. */
function rowBefore({ text, ends }: RowedText, at: number): number | null {
  let low = -1
  let high = ends.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((ends[middle] ?? 0) <= at) low = middle
    else high = middle
  }
  const isUnsure = low >= 0 && ends[low] === at && text[at - 1] === carriageReturn
  const found = isUnsure ? low - 1 : low
  return found < 0 ? null : found
}

/** The first old row after the difference that stands in the new text, too, whole and after a line ending. */
function endOf(
  { text: before, ends }: RowedText,
  text: Uint8Array,
  { first, start }: Pick<Hunk, 'first' | 'start'>,
): Hunk | null {
  const from = ends[first] ?? 0
  const latest = Math.min(first + mostRows, ends.length - 1)
  for (let last = first + 1; last < latest || (last === latest && last < ends.length - 1); last++) {
    const next = ends[last + 1] ?? 0
    const sought = before.subarray((ends[last] ?? 0) - 1, next)
    const found = Buffer.from(text.buffer, text.byteOffset + start, Math.min(text.length - start, next - from + slack))
    const at = found.indexOf(sought)
    if (at !== -1) return { first, last, start, end: start + at + 1 }
  }
  return latest === ends.length - 1 ? toTheEnd(before, ends, text, { first, start }) : null
}

/** The rest of both texts, where it is short and ends with a row. */
function toTheEnd(
  before: Uint8Array,
  ends: Uint32Array,
  text: Uint8Array,
  { first, start }: Pick<Hunk, 'first' | 'start'>,
): Hunk | null {
  const last = ends.length - 1
  const isWhole = ends[last] === before.length && text.at(-1) === lineFeed
  const isShort = text.length - start <= before.length - (ends[first] ?? 0) + slack
  return isWhole && isShort && last > first ? { first, last, start, end: text.length } : null
}
