import { hint, mostLines } from './message.ts'
import type { Group, Message } from './message.ts'
import type { Told } from './gather.ts'

/** A notice's sentence may quote what a platform said; this much of it is enough to know what to look at. */
const mostCharacters = 600
/** So much of its end is kept where it is cut: there stands what to do. */
const mostOfEnd = 200

/** One part of a message: what it counts, and lines about the first of them. */
export interface Section {
  readonly title: string
  readonly lines: readonly string[]
}

/** What every shape shows, with at most `most` lines for each kind. */
export function sections(message: Message, most = mostLines): readonly Section[] {
  const begun = message.begun.map((group) => ({
    title: group.severity === 'page' ? `${group.title} (page)` : group.title,
    lines: lines(group, most, lineOf),
  }))
  const over = message.over.map((group) => ({
    title: `over again: ${group.title}`,
    lines: lines(group, most, overLineOf),
  }))
  return [...begun, ...over]
}

/** `Keyturn on host1, 2026-11-22T17:05:12Z`. */
export function origin({ host, at }: Pick<Message, 'host' | 'at'>): string {
  return `Keyturn on ${host}, ${utc(at)}`
}

/** The message as plain text. */
export function plainText(message: Message, most = mostLines): string {
  const parts = sections(message, most).map(({ title, lines }) =>
    [title, ...lines.map((line) => `- ${line}`)].join('\n'),
  )
  return `${[origin(message), ...parts, hint].join('\n\n')}\n`
}

/**
 * The fullest rendering that is not longer than `bytes` of UTF-8: first with all lines, then with fewer and fewer of
 * each kind, at last with the counts alone.
 */
export function fit(render: (most: number) => string, bytes: number): string {
  const tries = [mostLines, 10, 5, 2]
  return tries.map(render).find((text) => Buffer.byteLength(text) <= bytes) ?? render(0)
}

function lines({ first, count }: Group, most: number, line: (told: Told) => string): readonly string[] {
  const shown = first.slice(0, most).map(line)
  const rest = count - shown.length
  if (rest === 0) return shown
  return [...shown, shown.length === 0 ? 'see keyturn status' : `and ${rest.toLocaleString('en-US')} more`]
}

function lineOf({ text, since }: Told): string {
  return `${oneLine(text)} (since ${utc(since)})`
}

/** Its sentence was true when it was told. */
function overLineOf({ text, since }: Told): string {
  return `It is over, and was told at ${utc(since)}: ${oneLine(text)}`
}

/** What comes from a platform may hold line ends and worse: neither a mail nor a log line is steered by them. */
export function oneLine(text: string): string {
  const plain = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim()
  if (plain.length <= mostCharacters) return plain
  return `${plain.slice(0, mostCharacters - mostOfEnd - 1)}…${plain.slice(-mostOfEnd)}`
}

function utc(instant: number): string {
  return new Date(instant).toISOString().replace(/\.\d+Z$/, 'Z')
}
