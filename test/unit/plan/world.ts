// A platform and a ledger in memory, just enough to carry out a plan and to look again.
import type {
  CatalogueEntry,
  DesiredAccount,
  DesiredAttribute,
  DesiredEntitlement,
  DesiredValue,
  ObservedAccount,
} from '../../../src/model/account.ts'
import type { Change, NewAccount, Plan } from '../../../src/model/change.ts'
import { KeyturnError } from '../../../src/model/errors.ts'
import type { IdentityId } from '../../../src/model/identity.ts'
import type { Grant, Link, NameClaim } from '../../../src/model/ledger.ts'
import type { Reason } from '../../../src/model/place.ts'
import type { PlatformSettings, SafetySettings } from '../../../src/model/settings.ts'
import { makePlan } from '../../../src/plan/index.ts'
import type { PlatformView } from '../../../src/plan/index.ts'
import { now, place, platform } from '../policy/company.ts'

export { now, place }

const rule: Reason = { kind: 'rule', text: 'role employee', place: place(10) }
export const staff = 'ou=people,dc=example'
export const leavers = 'ou=leavers,dc=example'

type AccountSketch = Partial<DesiredAccount> & {
  readonly candidates?: readonly string[]
  readonly fields?: readonly DesiredAttribute[]
  readonly gives?: readonly string[]
}

/** What policy would want of the person with this key: an open account called as the key, if nothing else is said. */
export function want(key: string, sketch: AccountSketch = {}): DesiredAccount {
  const { candidates = [key], fields = [], gives = [], ...rest } = sketch
  const entitlements = gives.map((name): DesiredEntitlement => ({ name, reason: rule }))
  return {
    identity: `hr:${key}`,
    key,
    platform: 'wiki',
    lifecycle: 'active',
    state: 'open',
    create: true,
    matches: [{ attribute: 'employeeNumber', value: key, then: 'link' }],
    names: () => candidates,
    container: () => staff,
    attributes: () => fields,
    entitlements,
    cleanup: null,
    expiresAt: null,
    backlog: false,
    announced: false,
    held: null,
    reason: rule,
    ...rest,
  }
}

export const leaver = (key: string, sketch: AccountSketch = {}): DesiredAccount =>
  want(key, { lifecycle: 'left', state: 'shut', create: false, ...sketch })

export const suspended = (key: string, sketch: AccountSketch = {}): DesiredAccount =>
  want(key, { lifecycle: 'suspended', state: 'closed', create: false, ...sketch })

export const preHire = (key: string, sketch: AccountSketch = {}): DesiredAccount =>
  want(key, { lifecycle: 'pre-hire', state: 'closed', ...sketch })

export function field(
  name: string,
  value: DesiredValue | string,
  more: Partial<DesiredAttribute> = {},
): DesiredAttribute {
  const values = typeof value === 'string' ? [value] : value
  return { name, value: values, write: 'always', empty: 'clear', reason: rule, ...more }
}

export function account(name: string, more: Partial<ObservedAccount> = {}): ObservedAccount {
  const container = more.container ?? staff
  return {
    platform: 'wiki',
    nativeId: `id-${name}`,
    address: `uid=${name},${container}`,
    name,
    container,
    enabled: true,
    attributes: {},
    entitlements: [],
    expiresAt: null,
    ...more,
  }
}

export function linkOf(key: string, more: Partial<Link> = {}): Link {
  return {
    identity: `hr:${key}`,
    platform: 'wiki',
    nativeId: `id-${key}`,
    name: key,
    address: `uid=${key},${staff}`,
    how: 'created',
    linkedAt: now,
    shutByUs: null,
    passwordScrambled: false,
    ...more,
  }
}

export function entry(name: string, more: Partial<CatalogueEntry> = {}): CatalogueEntry {
  const address = `cn=${name},ou=groups`
  return { platform: 'wiki', name, nativeId: `g-${name}`, address, members: 'additive', privileged: false, ...more }
}

export function grantOf(key: string, entitlement: string): Grant {
  return { identity: `hr:${key}`, platform: 'wiki', entitlement, reason: rule, grantedAt: now }
}

export const calm: SafetySettings = {
  protected: [],
  limits: { default: { removals: { max: 1, above: 1_000 } } },
  privileged: 'hold',
}

const connector: PlatformView['connector'] = {
  adapt(wanted: NewAccount): NewAccount {
    const bad = Object.entries(wanted.attributes).find(([, values]) => values.some((value) => value.includes('!')))
    if (bad !== undefined) throw new KeyturnError('value-refused', `no "!" in ${bad[0]}`)
    if (wanted.name.includes('!') || wanted.attributes['bug'] !== undefined)
      throw new Error('a mistake in the connector')
    if (wanted.name.startsWith('?')) throw new KeyturnError('value-refused', 'no "?" in names')
    const attributes = Object.entries(wanted.attributes).map(([name, values]) => [
      name,
      values.map((one) => one.trim()),
    ])
    // This platform knows whole seconds only.
    const expiresAt = wanted.expiresAt === null ? null : Math.floor(wanted.expiresAt / 1_000) * 1_000
    return { ...wanted, attributes: Object.fromEntries(attributes), expiresAt }
  },
  canonical: (_, value) => value.toLowerCase(),
  within: (address, container) => address.toLowerCase().endsWith(`,${container.toLowerCase()}`),
}

/** A world to look at and to change. Everything that is not given is empty. */
export class World {
  settings: PlatformSettings
  accounts: ObservedAccount[] = []
  links: Link[] = []
  grants: Grant[] = []
  names: NameClaim[] = []
  catalogue: CatalogueEntry[] = []
  approved = new Set<string>()
  rejected = new Set<string>()
  leftOpen = new Set<string>()
  doneByHand = new Set<string>()
  removedLately: ReadonlySet<IdentityId> | null = null
  ownAddress: string | null = null
  safety = calm
  confirmed = false

  constructor(settings: Partial<PlatformSettings> = {}) {
    this.settings = platform('wiki', {}, settings)
  }

  /** An account that is linked to the person with the same key. */
  has(key: string, more: Partial<ObservedAccount> = {}, link: Partial<Link> = {}): this {
    this.accounts.push(account(key, more))
    this.links.push(linkOf(key, link))
    return this
  }

  view(more: Partial<PlatformView> = {}): PlatformView {
    return {
      settings: this.settings,
      observed: { complete: true, takenAt: now, items: this.accounts },
      catalogue: { complete: true, takenAt: now, items: this.catalogue },
      links: this.links,
      grants: this.grants,
      names: this.names,
      decisions: {
        approved: this.approved,
        rejected: this.rejected,
        leftOpen: this.leftOpen,
        doneByHand: this.doneByHand,
      },
      ownAddress: this.ownAddress,
      connector,
      ...(this.removedLately === null ? {} : { removedLately: this.removedLately }),
      ...more,
    }
  }

  plan(...people: readonly DesiredAccount[]): Plan {
    return makePlan({
      now,
      policyVersion: 'v1',
      safety: this.safety,
      desired: () => people,
      platforms: [this.view()],
      digest: (text) => `sum of ${text}`,
      confirmed: this.confirmed,
    })
  }

  /** Carries out changes; references last, for the account that they mean may be made by the same plan. */
  apply(changes: readonly Change[]): void {
    const isReference = (change: Change) => change.kind === 'update' && 'accountOf' in change.field.to
    for (const change of changes) if (!isReference(change)) this.#carryOut(change)
    for (const change of changes) if (isReference(change)) this.#carryOut(change)
  }

  #carryOut(change: Change): void {
    switch (change.kind) {
      case 'link':
        this.#remember(change.identity, (change.target as { nativeId: string }).nativeId, {})
        return
      case 'create':
        this.#create(change.identity, change.desired)
        return
      case 'enable':
        this.#set(change, { enabled: true }, { shutByUs: null })
        return
      case 'disable':
        this.#set(
          change,
          { enabled: false },
          change.protocol === 'leaver' ? { shutByUs: 'leaver', passwordScrambled: true } : { shutByUs: 'suspend' },
        )
        return
      case 'issue-credential':
        this.#set(change, {}, { passwordScrambled: false })
        return
      case 'move': {
        const { name } = this.#of(change.identity)
        this.#set(change, { container: change.to, address: `uid=${name},${change.to}` })
        return
      }
      case 'update':
        this.#update(change.identity, change.field.attribute, change.field.to)
        return
      case 'expire':
        this.#set(change, { expiresAt: change.to })
        return
      case 'grant':
      case 'revoke':
        this.#membership(change.identity, change.entitlement, change.kind === 'grant')
        return
      case 'rename':
      case 'delete':
        throw new Error(`no plan makes ${change.kind}`)
    }
  }

  #create(identity: IdentityId, desired: NewAccount): void {
    const { name, container, enabled, attributes, expiresAt } = desired
    if (this.accounts.some((one) => one.name === name)) throw new Error(`${name} exists already`)
    this.accounts.push(account(name, { container, enabled, attributes, expiresAt }))
    this.#remember(identity, `id-${name}`, enabled ? {} : { shutByUs: 'pre-hire' })
    if (this.names.every((claim) => claim.name !== name)) this.names.push({ platform: 'wiki', name, identity })
  }

  #remember(identity: IdentityId, nativeId: string, more: Partial<Link>): void {
    this.links = this.links.filter((link) => link.identity !== identity)
    this.links.push({ ...linkOf(identity.slice('hr:'.length)), nativeId, ...more })
  }

  #of(identity: IdentityId): ObservedAccount {
    const link = this.links.find((one) => one.identity === identity)
    const found = this.accounts.find((one) => one.nativeId === link?.nativeId)
    if (found === undefined) throw new Error(`${identity} has no account`)
    return found
  }

  #set({ identity }: Change, more: Partial<ObservedAccount>, link: Partial<Link> = {}): void {
    const { nativeId } = this.#of(identity)
    this.accounts = this.accounts.map((one) => (one.nativeId === nativeId ? { ...one, ...more } : one))
    this.links = this.links.map((one) => (one.nativeId === nativeId ? { ...one, ...link } : one))
  }

  #update(identity: IdentityId, attribute: string, to: DesiredValue): void {
    const { nativeId, attributes } = this.#of(identity)
    const values = 'accountOf' in to ? [this.#of(to.accountOf).address] : to
    const changed = { ...attributes, [attribute]: values }
    this.accounts = this.accounts.map((one) => (one.nativeId === nativeId ? { ...one, attributes: changed } : one))
  }

  #membership(identity: IdentityId, name: string, granted: boolean): void {
    const { nativeId, entitlements } = this.#of(identity)
    const others = entitlements.filter((one) => one !== name)
    const now = granted ? [...others, name] : others
    this.accounts = this.accounts.map((one) => (one.nativeId === nativeId ? { ...one, entitlements: now } : one))
    this.grants = this.grants.filter((one) => one.identity !== identity || one.entitlement !== name)
    if (granted) this.grants.push(grantOf(identity.slice('hr:'.length), name))
  }
}

/** `kind detail` of every change, for short expectations. */
export function kinds(plan: Pick<Plan, 'changes'>): string[] {
  return plan.changes.map((change) => {
    if (change.kind === 'grant' || change.kind === 'revoke') return `${change.kind} ${change.entitlement}`
    return change.kind === 'disable' ? `disable ${change.protocol}` : change.kind
  })
}

/** `why kind` of everything withheld. */
export function stopped(plan: Plan): string[] {
  return plan.withheld.map(({ change, why }) => `${why} ${change.kind}`)
}
