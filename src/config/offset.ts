/** How a scalar is written: its source text and its value differ by quotes, escapes, indentation and folded lines. */
export type ScalarStyle = 'plain' | 'single' | 'double' | 'block'

/**
 * Where the character at `offset` of a scalar's value stands in its source text. Both are walked side by side: an escape
 * counts as the one character that it means, a run of white space as the white space that it was folded to.
 */
export function sourceOffset(source: string, value: string, offset: number, style: ScalarStyle): number {
  let at = style === 'plain' ? 0 : style === 'block' ? contentOfBlock(source) : 1
  for (let index = 0; index < offset; index += 1) {
    if (/\s/.test(value[index] ?? '')) at = afterSpace(source, at)
    else at = afterSpaceRun(source, at) + widthAt(source, afterSpaceRun(source, at), style)
  }
  const next = value[offset]
  return next === undefined || /\s/.test(next) ? at : afterSpaceRun(source, at)
}

/** Behind the header of a block scalar, such as `|-`. */
function contentOfBlock(source: string): number {
  return source.indexOf('\n') + 1
}

/** A run of white space with a line break is one white space of the value; another run counts one by one. */
function afterSpace(source: string, at: number): number {
  const run = /^\s+/.exec(source.slice(at))?.[0] ?? ''
  return at + (run.includes('\n') ? run.length : Math.min(run.length, 1))
}

function afterSpaceRun(source: string, at: number): number {
  return at + (/^\s*/.exec(source.slice(at))?.[0].length ?? 0)
}

/** How many characters of the source mean the one character here. */
function widthAt(source: string, at: number, style: ScalarStyle): number {
  const rest = source.slice(at, at + 10)
  if (style === 'single' && rest.startsWith("''")) return 2
  if (style !== 'double' || !rest.startsWith('\\')) return 1
  return { x: 4, u: 6, U: 10 }[rest[1] ?? ''] ?? 2
}
