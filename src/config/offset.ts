/** How a scalar is written: its source text and its value differ by quotes, escapes, indentation and folded lines. */
export type ScalarStyle = 'plain' | 'single' | 'double' | 'block'

/**
 * Where the character at `offset` of a scalar's value stands in its source text. Both are walked side by side: an escape
 * counts as the one character that it means, a run of white space as the white space that it was folded to.
 */
export function sourceOffset(source: string, value: string, offset: number, style: ScalarStyle): number {
  // A block begins behind its header, such as `|-`; a quoted text behind its quote.
  let at = style === 'plain' ? 0 : style === 'block' ? source.indexOf('\n') + 1 : 1
  for (let index = 0; index <= offset; index += 1) {
    const isSpace = /\s/.test(value[index] ?? '')
    if (!isSpace) at += lengthOf(style === 'double' ? /^(?:\s|\\\r?\n)*/ : /^\s*/, source, at)
    if (index < offset) at += isSpace ? widthOfSpace(source, at, style) : widthOf(source, at, style)
  }
  return at
}

function lengthOf(pattern: RegExp, source: string, at: number): number {
  return pattern.exec(source.slice(at))?.[0].length ?? 0
}

/** A run of white space with a line break is one white space of the value; another run counts one by one. */
function widthOfSpace(source: string, at: number, style: ScalarStyle): number {
  const run = /^\s+/.exec(source.slice(at))?.[0] ?? ''
  if (run === '') return style === 'double' && source[at] === '\\' ? widthOf(source, at, style) : 0
  return run.includes('\n') ? run.length : 1
}

/** How many characters of the source mean the one character here (YAML 1.2.2, section 5.7). */
function widthOf(source: string, at: number, style: ScalarStyle): number {
  const rest = source.slice(at, at + 2)
  if (style === 'single' && rest === "''") return 2
  if (style !== 'double' || !rest.startsWith('\\')) return 1
  return { x: 4, u: 6, U: 10 }[rest[1] ?? ''] ?? 2
}
