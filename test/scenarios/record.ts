// What the ledger must tell after any trouble: every account's whole life, from where it came to the proof that it is shut.
import type { Entry } from 'ldapts'
import type { Person } from '../../src/demo/people.ts'
import { openLedger } from '../../src/ledger/index.ts'

interface Line {
  readonly action: string
  readonly result: string
  readonly before: string | null
  readonly after: string | null
}

/** By the key of the person, each person's lines the oldest first. */
export interface History {
  readonly lines: ReadonlyMap<string, readonly Line[]>
  readonly grants: ReadonlyMap<string, ReadonlySet<string>>
}

export async function historyOf(address: string): Promise<History> {
  await using ledger = await openLedger(address, { readOnly: true })
  const records: (Line & { readonly identity: string | null })[] = []
  for (let after = 0; ; ) {
    const page = await ledger.auditAfter(after, 10_000)
    for (const one of page) records.push(one)
    const last = page.at(-1)
    if (last === undefined) break
    after = last.id
  }
  const grants = Map.groupBy(await ledger.grants('directory'), ({ identity }) => keyOf(identity))
  return {
    lines: Map.groupBy(records, ({ identity }) => keyOf(identity ?? '')),
    grants: new Map([...grants].map(([id, some]) => [id, new Set(some.map(({ entitlement }) => entitlement))])),
  }
}

function keyOf(identity: string): string {
  return identity.slice(identity.indexOf(':') + 1)
}

/** Accounts or passwords that took more than one try. */
export function isDoubtful({ lines }: History, id: string): boolean {
  const beginnings = ['create', 'link', 'issue-credential']
  return (lines.get(id) ?? []).filter(({ action }) => beginnings.includes(action)).length > 1
}

/** What is missing in the record of a person who has an account, and is to be in these groups now. */
export function missingIn(
  history: History,
  { employee_id: id, status }: Person,
  account: Entry | undefined,
  groups: readonly string[],
): readonly string[] {
  const known = history.grants.get(id) ?? new Set()
  const ownership = groups
    .filter((group) => !known.has(group))
    .map((group) => `that ${group} is Keyturn's to take away`)
  if (account === undefined) return sentences(id, ownership, [])
  const own = history.lines.get(id) ?? []
  const isTold = (action: string, is: (line: Line) => boolean = () => true) =>
    own.some((line) => line.action === action && ['done', 'already'].includes(line.result) && is(line))
  const came = own.some(({ action, result }) => action === 'create' && result === 'done')
  const untold = [
    // Keyturn has made every one of them.
    ...(came ? [] : ['where the account comes from']),
    ...groups
      .filter((group) => !isTold('grant', ({ after }) => after === group))
      .map((group) => `that ${group} was given`),
    ...taken(own, groups).map((group) => `that ${group} was taken away`),
  ]
  if (status === 'Left') {
    if (!isTold('disable')) untold.push('that it was shut')
    if (!isTold('move', ({ after }) => after !== null && account.dn.endsWith(after)))
      untold.push('that it was moved away')
    if (!own.some(({ action, result }) => action === 'proof' && result !== 'not-proven'))
      untold.push('that it is refused')
  }
  return sentences(id, [...ownership, ...untold], own)
}

/** Groups that were given once and are none of today's, whose last word is not that they were taken away. */
function taken(own: readonly Line[], groups: readonly string[]): readonly string[] {
  const words = new Map<string, string>()
  for (const { action, result, before, after } of own) {
    if (result !== 'done' && result !== 'already') continue
    if (action === 'grant' && after !== null) words.set(after, action)
    if (action === 'revoke' && before !== null) words.set(before, action)
  }
  return [...words].filter(([group, word]) => word === 'grant' && !groups.includes(group)).map(([group]) => group)
}

function sentences(id: string, untold: readonly string[], own: readonly Line[]): readonly string[] {
  const told = own.map(({ action, result }) => `${action} ${result}`).join(', ')

  return untold.map((what) => `of ${id} nothing tells ${what}; what is told: ${told}`)
}
