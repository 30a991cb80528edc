import type { Instant } from '../model/instant.ts'
import type { Notice, NoticeKind, NoticeNews } from '../model/running.ts'
import type { Told } from './gather.ts'

/** What one channel says at once: counts per kind, the worst first, and a few of each. Ids only. */
export interface Message {
  /** Unique, without a full stop (Standard Webhooks signs `id.timestamp.body`). */
  readonly id: string
  readonly at: Instant
  /** The machine that says it. */
  readonly host: string
  readonly subject: string
  /** The worst of what has begun; `info` where things are only over. */
  readonly severity: Notice['severity']
  readonly begun: readonly Group[]
  readonly over: readonly Group[]
}

/** Everything of one kind: how many there are, and the first of them. */
export interface Group {
  readonly kind: NoticeKind
  readonly severity: Notice['severity']
  /** Such as `3 revocations late`. */
  readonly title: string
  readonly count: number
  /** The worst and oldest, at most `mostLines`. */
  readonly first: readonly Told[]
}

/** So many of one kind are named; of the others there is only the number. */
export const mostLines = 20

/** How to look for oneself; the last line of every message. */
export const hint = 'How it stands now: keyturn status'

/** One and several, the worst first: among kinds of the same severity this order decides. */
const titles: Readonly<Record<NoticeKind, readonly [string, string]>> = {
  'revocation-late': ['revocation late', 'revocations late'],
  'not-proven': ['revocation not proven', 'revocations not proven'],
  reopened: ['account of a leaver opened again', 'accounts of leavers opened again'],
  'protected-leaver': ['protected account of a leaver', 'protected accounts of leavers'],
  'leavers-withheld': ['hold that keeps leavers signed in', 'holds that keep leavers signed in'],
  'shutting-hindered': ['person to be shut who may have access', 'people to be shut who may have access'],
  'ledger-restored': ['ledger restored from a backup', 'ledgers restored from a backup'],
  'ledger-spooled': ['ledger that cannot be written', 'ledgers that cannot be written'],
  'platform-down': ['platform down', 'platforms down'],
  'feed-refused': ['feed refused', 'feeds refused'],
  'rows-set-aside': ['feed with rows set aside', 'feeds with rows set aside'],
  'revocation-nearly-late': ['revocation nearly late', 'revocations nearly late'],
  'config-refused': ['configuration refused', 'configurations refused'],
  'change-failed': ['change given up', 'changes given up'],
  'person-held': ['person who is held', 'people who are held'],
  withheld: ['hold waiting', 'holds waiting'],
  hindered: ['person who is hindered', 'people who are hindered'],
}

const kinds = Object.keys(titles) as NoticeKind[]
const severities = ['page', 'warn', 'info'] as const

const mostInSubject = 4

/** Makes the one message of what was gathered. `id` without full stops. */
export function compose(news: NoticeNews, about: { id: string; at: Instant; host: string }): Message {
  const begun = groups(news.begun)
  const over = groups(news.over)
  return { ...about, subject: subject(begun, over), severity: begun[0]?.severity ?? 'info', begun, over }
}

/** `1,000 revocations late, 1 platform down`. */
export function titleOf(kind: NoticeKind, count: number): string {
  return `${count.toLocaleString('en-US')} ${titles[kind][count === 1 ? 0 : 1]}`
}

/** The worst first, then the oldest, then by key. */
export function byWorst(a: Told, b: Told): number {
  return (
    severities.indexOf(a.severity) - severities.indexOf(b.severity) || a.since - b.since || (a.key < b.key ? -1 : 1)
  )
}

function groups(all: readonly Told[]): readonly Group[] {
  const ofKind = Map.groupBy(all, ({ kind }) => kind)
  return kinds
    .flatMap((kind) => {
      const sorted = ofKind.get(kind)?.toSorted(byWorst) ?? []
      const [worst] = sorted
      if (worst === undefined) return []
      const count = sorted.length
      return [{ kind, severity: worst.severity, title: titleOf(kind, count), count, first: sorted.slice(0, mostLines) }]
    })
    .toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity))
}

function subject(begun: readonly Group[], over: readonly Group[]): string {
  const parts = begun.length === 0 ? [] : [list(begun)]
  if (over.length > 0) parts.push(`over again: ${list(over)}`)
  return `Keyturn: ${parts.join('; ')}`
}

function list(all: readonly Group[]): string {
  const named = all.slice(0, mostInSubject).map(({ title }) => title)
  return [...named, ...(all.length > mostInSubject ? ['and more'] : [])].join(', ')
}
