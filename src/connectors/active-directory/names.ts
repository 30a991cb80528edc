import { KeyturnError } from '../../model/errors.ts'

/** Learn.microsoft.com, "SAM-Account-Name attribute"; Windows refuses longer names for users, Samba takes them. */
const longestAccountName = 20
/** The schema's upper range of cn. */
const longestCommonName = 64

/**
 * Refuses a name that no domain, or only Samba, would take as sAMAccountName.
 * @throws KeyturnError `value-refused`
 */
export function checkAccountName(name: string): void {
  const problem = objection(name)
  if (problem === undefined) return
  throw new KeyturnError('value-refused', `"${name}" cannot be a sAMAccountName: ${problem}.`, {
    hint: `Allowed are 1 to ${longestAccountName} characters without @ " / \\ [ ] : ; | = , + * ? < > and without a blank or a full stop at the end.`,
  })
}

function objection(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (name.length > longestAccountName)
    return `it has ${name.length} characters, and at most ${longestAccountName} are allowed`
  const forbidden = /["/\\[\]:;|=,+*?<>@\p{Cc}]/u.exec(name)
  if (forbidden !== null) return `the character ${JSON.stringify(forbidden[0])} is not allowed`
  if (/^\s|[\s.]$/.test(name)) return 'it begins or ends with a blank, or ends with a full stop'
  if (/^[.\s]+$/.test(name)) return 'it has nothing but full stops and blanks'
  return undefined
}

/**
 * The common name of a new account: how people find it in lists. Made of the display name where there is one, without control
 * characters, and no longer than the schema allows.
 */
export function commonName(displayName: string | undefined, name: string): string {
  return shorten(tidy(displayName ?? ''), longestCommonName) || name
}

/** `Anna Smith (asmith2)`: unique because the name is. */
export function commonNameWith(common: string, name: string): string {
  const suffix = ` (${name})`
  return shorten(common, longestCommonName - suffix.length) + suffix
}

function tidy(text: string): string {
  return text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
}

/** Cuts at a whole character; lengths in a schema count UTF-16 units. */
function shorten(text: string, most: number): string {
  if (text.length <= most) return text
  let cut = ''
  for (const character of text) {
    if (cut.length + character.length > most) break
    cut += character
  }
  return cut.trimEnd()
}

/** `corp.example` of `OU=Staff,DC=corp,DC=example`. */
export function dnsDomain(base: string): string {
  return [...base.matchAll(/(?:^|,)\s*DC\s*=\s*([^,]+)/gi)].map(([, label]) => (label ?? '').trim()).join('.')
}

export function principalName(name: string, suffix: string): string {
  return `${name}@${suffix}`
}
