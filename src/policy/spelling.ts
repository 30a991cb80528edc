import anyAscii from 'any-ascii'

/** What a platform allows as the name of an account. */
export interface Spelling {
  readonly longest: number
  /** Must begin with a letter. */
  readonly letterFirst: boolean
}

/**
 * Both keep to a-z, 0-9, dot, hyphen and underscore.
 *
 * sAMAccountName: 20 characters, none of `"/\[]:;|=,+*?<>@`, no dot at the end
 * (https://learn.microsoft.com/windows/win32/adschema/a-samaccountname).
 * uid: 32 characters and a letter first is what login names on Linux may have (useradd(8), CAVEATS).
 */
export const spellings = {
  'active-directory': { longest: 20, letterFirst: false },
  ldap: { longest: 32, letterFirst: true },
} as const satisfies Record<string, Spelling>

/** Around the counter of a candidate: what stands before it, its digits, and what stands after it. */
export interface Parts {
  readonly before: string
  readonly digits: string
  readonly after: string
}

/**
 * Makes a legal name of a candidate, or `fallback` where nothing readable is left. What is too long loses its end, but
 * never the counter.
 */
export function spell({ before, digits, after }: Parts, fallback: string, spelling: Spelling): string {
  const head = plain(before)
  const tail = plain(after)
  if (trim(head + tail) === '') return fit(trim(plain(fallback)) || codes(fallback), digits, '', spelling)
  return fit(head, digits, tail, spelling)
}

/** Puts the parts together: separators neither first, nor last, nor twice; the tail is shortened before the head. */
function fit(head: string, digits: string, tail: string, spelling: Spelling): string {
  const front = head.replace(/^[._-]+/, '')
  const start = spelling.letterFirst && !/^[a-z]/.test(front + digits + tail) ? `u${front}` : front
  const room = spelling.longest - digits.length
  const kept = start.slice(0, room)
  const rest = tail.slice(0, room - kept.length)
  return digits === '' ? trim(kept + rest) : `${kept}${digits}${rest}`.replace(/[._-]+$/, '')
}

/** Latin letters for every script; apostrophes, blanks and everything else that no name may have are dropped. */
function plain(text: string): string {
  return anyAscii(text)
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]/g, '')
    .replaceAll(/([._-])[._-]+/g, '$1')
}

function trim(text: string): string {
  return text.replaceAll(/^[._-]+|[._-]+$/g, '')
}

/** For a key without a single letter or digit: its code points, so that a name is never empty. */
function codes(text: string): string {
  return `u${Array.from(text, (letter) => (letter.codePointAt(0) as number).toString(36)).join('')}`
}
