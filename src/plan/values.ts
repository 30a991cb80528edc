import type { NewAccount } from '../model/change.ts'
import { KeyturnError } from '../model/errors.ts'
import type { PlatformView } from './view.ts'

/** Do two sets of values mean the same on this platform? Order and repetition do not matter. */
export function sameValues(
  view: PlatformView,
  attribute: string,
  one: readonly string[],
  other: readonly string[],
): boolean {
  if (one.length === other.length && one.every((value, at) => value === other[at])) return true
  const a = new Set(one.map((value) => view.connector.canonical(attribute, value)))
  const b = new Set(other.map((value) => view.connector.canonical(attribute, value)))
  return a.size === b.size && a.isSubsetOf(b)
}

/** What the platform would hold of an account, and which attributes it would refuse, with its sentence. */
export interface Adapted {
  readonly account: NewAccount
  readonly refused: ReadonlyMap<string, string>
}

const none: ReadonlyMap<string, string> = new Map()

/**
 * Rewrites an account into what the platform would hold. Where it refuses something, each attribute is tried by itself,
 * so that one bad value is named and the others still count.
 */
export function adaptEach(view: PlatformView, account: NewAccount): Adapted {
  const whole = tryAdapt(view, account)
  if (typeof whole !== 'string') return { account: whole, refused: none }
  const refused = new Map<string, string>()
  const good: [string, readonly string[]][] = []
  for (const [attribute, values] of Object.entries(account.attributes)) {
    const alone = tryAdapt(view, { ...account, attributes: { [attribute]: values } })
    if (typeof alone === 'string') refused.set(attribute, alone)
    else good.push([attribute, values])
  }
  const rest = tryAdapt(view, { ...account, attributes: Object.fromEntries(good) })
  if (typeof rest !== 'string') return { account: rest, refused }
  return { account: { ...account, attributes: {} }, refused: new Map([...refused, ['', rest]]) }
}

function tryAdapt(view: PlatformView, account: NewAccount): NewAccount | string {
  let adapted = account
  const why = refusalOf(() => {
    adapted = view.connector.adapt(account)
  })
  return why ?? adapted
}

/** Why something cannot be done for this one item, or null when it was done. Other errors are thrown on. */
export function refusalOf(attempt: () => void): string | null {
  try {
    attempt()
    return null
  } catch (error) {
    if (error instanceof KeyturnError && error.class === 'give-up') return error.message
    throw error
  }
}
