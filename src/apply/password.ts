import { randomInt } from 'node:crypto'
import type { PasswordPolicy } from '../model/connector.ts'
import { KeyturnError } from '../model/errors.ts'
import type { PasswordSettings } from '../model/settings.ts'

/** What a new password must be. Lengths in characters; `classes` of lower, upper, digit, symbol. */
export interface PasswordRules {
  readonly length: number
  readonly classes: number
  readonly readable: boolean
}

/** Letters and digits that nobody confuses when a password is read from paper: without 0 O o 1 l I i. */
const clear = { lower: 'abcdefghjkmnpqrstuvwxyz', upper: 'ABCDEFGHJKLMNPQRSTUVWXYZ', digit: '23456789' }
const any = {
  lower: 'abcdefghijklmnopqrstuvwxyz',
  upper: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  digit: '0123456789',
  // No quotes, backslash or space: the password must survive being typed, pasted and read out.
  symbol: '!#$%&*+-./:=?@_~',
}
const everyCharacter = any.lower + any.upper + any.digit + any.symbol
const scrambleLength = 40
const candidatesAtMost = 10_000

/** The stricter of what the configuration states, what the platform demands, and our own least: 16 characters of 3 classes. */
export function passwordRules(settings: PasswordSettings, discovered: PasswordPolicy): PasswordRules {
  return {
    length: Math.max(settings.length ?? 16, discovered.length),
    classes: Math.min(4, Math.max(settings.classes ?? 3, discovered.classes)),
    readable: settings.readable,
  }
}

/**
 * A password for a person. Every candidate that fits the rules is equally likely: whole candidates are drawn until one
 * fits, and each character is drawn without modulo bias (node:crypto's randomInt rejects the uneven rest itself).
 *
 * @param names the person's names; the password holds no part of them of three letters or more, as Active Directory demands
 * @param below draws a whole number in [0, n), for tests
 * @throws KeyturnError `password-refused` where no candidate fits
 */
export function generatePassword(
  rules: PasswordRules,
  names: readonly string[],
  below: (n: number) => number = randomInt,
): string {
  const parts = nameParts(names)
  for (let i = 0; i < candidatesAtMost; i += 1) {
    const candidate = rules.readable ? readable(rules.length, below) : text(rules.length, everyCharacter, below)
    if (classesIn(candidate) >= rules.classes && !holdsPart(candidate, parts)) return candidate
  }
  throw new KeyturnError(
    'password-refused',
    `no password of ${rules.length} characters with ${rules.classes} classes of characters could be made; at least ${rules.classes} characters are needed`,
    { hint: 'State a longer `password.length` for this platform.' },
  )
}

/** A password that nobody shall know: longer than any policy asks for, with every class. */
export function generateScramble(rules: PasswordRules, names: readonly string[]): string {
  return generatePassword({ length: Math.max(rules.length, scrambleLength), classes: 4, readable: false }, names)
}

/** Groups of four, such as `Kbtw-7hxm-Rqe3-nzdp`: each begins with a capital or a digit, the hyphen is the symbol. */
function readable(length: number, below: (n: number) => number): string {
  const groups: string[] = []
  for (let left = length; left > 0; left -= 5) {
    const size = Math.min(4, left)
    groups.push(text(1, clear.upper + clear.digit, below) + text(size - 1, clear.lower + clear.digit, below))
  }
  // A length that ends just behind a hyphen gets one more character than asked for, never one less.
  const joined = groups.join('-')
  return joined.length < length ? joined + text(length - joined.length, clear.lower, below) : joined
}

function text(length: number, alphabet: string, below: (n: number) => number): string {
  let made = ''
  for (let i = 0; i < length; i += 1) made += alphabet.charAt(below(alphabet.length))
  return made
}

/** How many of lower, upper, digit and symbol there are. */
export function classesIn(password: string): number {
  return [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/].filter((one) => one.test(password)).length
}

/** What Active Directory looks for in a password: each name split at its delimiters, parts under three letters ignored. */
export function nameParts(names: readonly string[]): readonly string[] {
  const parts = names.flatMap((name) => [name, ...name.split(/[\s,.\-_#]+/u)])
  return [...new Set(parts.map((part) => part.trim().toLowerCase()).filter((part) => part.length >= 3))]
}

function holdsPart(password: string, parts: readonly string[]): boolean {
  const lower = password.toLowerCase()
  return parts.some((part) => lower.includes(part))
}
