// Random companies: what is desired of people, and what is there already.
import fc from 'fast-check'
import type { DesiredAccount } from '../../../src/model/account.ts'
import type { Link } from '../../../src/model/ledger.ts'
import {
  account,
  entry,
  field,
  grantOf,
  leaver,
  leavers,
  linkOf,
  now,
  preHire,
  suspended,
  want,
  World,
} from './world.ts'

const groups = ['crm', 'press', 'exact'] as const
const states = ['active', 'pre-hire', 'suspended', 'left', 'lost'] as const

export interface Sketch {
  readonly state: (typeof states)[number]
  readonly gives: readonly string[]
  readonly title: string
  readonly manager: number | null
  readonly expires: boolean
  readonly cleanup: boolean
  /** What is there already: nothing, an account that nobody is linked to, or a linked one. */
  readonly there: 'nothing' | 'unlinked' | 'linked' | 'gone'
  readonly enabled: boolean
  readonly shutByUs: Link['shutByUs']
  readonly scrambled: boolean
  readonly holds: readonly string[]
  readonly ours: readonly string[]
  readonly inLeavers: boolean
}

const some = fc.subarray([...groups])
const sketch: fc.Arbitrary<Sketch> = fc.record({
  state: fc.constantFrom(...states),
  gives: some,
  title: fc.constantFrom('', 'Boss', 'Clerk'),
  manager: fc.option(fc.nat(7)),
  expires: fc.boolean(),
  cleanup: fc.boolean(),
  there: fc.constantFrom('nothing', 'unlinked', 'linked', 'linked', 'gone'),
  enabled: fc.boolean(),
  shutByUs: fc.constantFrom(null, null, 'pre-hire', 'suspend', 'leaver'),
  scrambled: fc.boolean(),
  holds: some,
  ours: some,
  inLeavers: fc.boolean(),
})
export const company = fc.array(sketch, { maxLength: 8 })

export const keyOf = (at: number) => `p${at}`

export function desiredOf(one: Sketch, at: number): DesiredAccount {
  const fields = [
    field('title', one.title === '' ? [] : [one.title]),
    field('manager', one.manager === null ? [] : { accountOf: `hr:${keyOf(one.manager)}` }),
  ]
  const expiresAt = one.expires ? now + 5_000 : null
  const common = { fields, gives: one.gives, expiresAt, candidates: ['ann', 'ann2', `ann-${at}`, `x-${at}`] }
  const cleanup = one.cleanup ? ({ strip: 'all', keep: ['press'], container: leavers } as const) : null
  const shut = { ...common, gives: [], expiresAt: null, cleanup }
  switch (one.state) {
    case 'active':
      return want(keyOf(at), common)
    case 'pre-hire':
      return preHire(keyOf(at), common)
    case 'suspended':
      return suspended(keyOf(at), common)
    case 'left':
      return leaver(keyOf(at), shut)
    case 'lost':
      return leaver(keyOf(at), { ...shut, lifecycle: 'active', matches: [] })
  }
}

export function worldOf(sketches: readonly Sketch[]): World {
  const world = new World({
    leaver: { strip: 'all', keep: [], cleanupAfter: 0, deleteAfter: 'never', container: leavers },
  })
  world.catalogue = groups.map((name) => entry(name, { members: name === 'exact' ? 'exact' : 'additive' }))
  world.accounts = [account('ann', { enabled: false, entitlements: ['exact'] }), account('svc-backup')]
  for (const [at, one] of sketches.entries()) {
    const key = keyOf(at)
    const more = {
      enabled: one.enabled,
      entitlements: one.holds,
      attributes: { employeeNumber: [key], title: ['Clerk'] },
      ...(one.inLeavers ? { container: leavers } : {}),
    }
    if (one.there === 'unlinked') world.accounts.push(account(key, more))
    if (one.there === 'linked') world.has(key, more, { shutByUs: one.shutByUs, passwordScrambled: one.scrambled })
    if (one.there === 'gone') world.links.push(linkOf(key))
    if (one.there === 'linked') world.grants.push(...one.ours.map((name) => grantOf(key, name)))
  }
  return world
}
