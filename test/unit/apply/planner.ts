import type { PersonView } from '../../../src/apply/ports.ts'
import type { Change } from '../../../src/model/change.ts'
import type { IdentityId } from '../../../src/model/identity.ts'

/** What HR says of one person, as far as these tests go. */
export interface Wish {
  readonly state: 'open' | 'closed' | 'shut'
  readonly title: string
  readonly groups: readonly string[]
  readonly manager?: IdentityId
}

/** What accounts look like on the platform. */
export interface Shape {
  readonly container: string
  attributes(identity: IdentityId, wish: Wish): Readonly<Record<string, readonly string[]>>
}

const reason = { kind: 'rule', text: 'role employee' } as const

export function nameOf(identity: IdentityId): string {
  return identity.replace('hr:', 'person')
}

/** A planner of a few lines: what this person needs now. */
export function changesFor(identity: IdentityId, person: PersonView, wish: Wish, shape: Shape): readonly Change[] {
  const { link } = person
  const account = person.accounts.find((one) => link === null || one.nativeId === link.nativeId)
  if (account === undefined) return wish.state === 'open' && link === null ? creation(identity, wish, shape) : []
  const base = { identity, platform: 'corp', target: { nativeId: account.nativeId }, account: account.name, reason }
  const linking: readonly Change[] = link === null ? [{ ...base, kind: 'link', by: 'employeeNumber' }] : []
  if (wish.state === 'shut') {
    const shut = account.enabled || link?.shutByUs !== 'leaver'
    const revokes = account.entitlements.map((entitlement): Change => ({ ...base, kind: 'revoke', entitlement }))
    return [...linking, ...(shut ? [{ ...base, kind: 'disable', protocol: 'leaver' } as const] : []), ...revokes]
  }
  if (wish.state === 'closed') {
    return [...linking, ...(account.enabled ? [{ ...base, kind: 'disable', protocol: 'suspend' } as const] : [])]
  }
  const grants = wish.groups.filter((group) => !account.entitlements.includes(group))
  const lost = account.entitlements.filter((group) => !wish.groups.includes(group))
  const title = account.attributes['title'] ?? []
  return [
    ...linking,
    ...(title[0] === wish.title
      ? []
      : [{ ...base, kind: 'update', field: { attribute: 'title', from: title, to: [wish.title] } } as const]),
    ...managerUpdate(base, account.attributes['manager'] ?? [], wish),
    ...lost.map((entitlement): Change => ({ ...base, kind: 'revoke', entitlement })),
    ...grants.map((entitlement): Change => ({ ...base, kind: 'grant', entitlement })),
    ...(link?.passwordScrambled === true
      ? [{ ...base, kind: 'issue-credential', credential: 'password' } as const]
      : []),
    ...(account.enabled || link === null || link.shutByUs === null || link.foundShut === true
      ? []
      : [{ ...base, kind: 'enable' } as const]),
  ]
}

/** What is owed to a leaver of whom no account is seen while something that opens is on its way. */
export function shutUnseen(identity: IdentityId): Change {
  const target = { creates: identity }
  return { kind: 'disable', protocol: 'leaver', identity, platform: 'corp', target, account: nameOf(identity), reason }
}

function managerUpdate(
  base: Pick<Change, 'identity' | 'platform' | 'target' | 'account' | 'reason'>,
  from: readonly string[],
  wish: Wish,
): readonly Change[] {
  if (wish.manager === undefined || from.length > 0) return []
  return [{ ...base, kind: 'update', field: { attribute: 'manager', from, to: { accountOf: wish.manager } } }]
}

function creation(identity: IdentityId, wish: Wish, shape: Shape): readonly Change[] {
  const name = nameOf(identity)
  const base = { identity, platform: 'corp', target: { creates: identity }, account: name, reason }
  const { container } = shape
  const desired = { name, container, enabled: true, attributes: shape.attributes(identity, wish), expiresAt: null }
  return [
    { ...base, kind: 'create', desired },
    ...managerUpdate(base, [], wish),
    ...wish.groups.map((entitlement): Change => ({ ...base, kind: 'grant', entitlement })),
  ]
}
