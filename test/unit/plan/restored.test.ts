import { describe, expect, test } from 'vitest'
import type { DesiredAccount } from '../../../src/model/account.ts'
import { fingerprint } from '../../../src/model/change.ts'
import type { Plan } from '../../../src/model/change.ts'
import { DAY } from '../../../src/model/instant.ts'
import type { Link } from '../../../src/model/ledger.ts'
import { accountsInQuestion, makePlan, neededChanges } from '../../../src/plan/index.ts'
import type { Evidence } from '../../../src/plan/index.ts'
import { account, calm, entry, field, kinds, leaver, now, preHire, stopped, suspended, want, World } from './world.ts'

interface Said {
  readonly untouched?: readonly string[]
  readonly ours?: readonly string[]
}

const evidenceOf = ({ untouched = [], ours = [] }: Said): Evidence => ({
  untouched: new Set(untouched),
  ours: new Set(ours),
})

/** The plan of a ledger that was restored; `said`: what the platform says about accounts, null: it was not asked. */
function plan(world: World, people: readonly DesiredAccount[], said: Said | null = {}): Plan {
  const restored = { evidence: said === null ? null : evidenceOf(said) }
  return makePlan({
    now,
    policyVersion: 'v1',
    safety: world.safety,
    desired: () => people,
    platforms: [world.view({ restored })],
    digest: (text) => text,
    confirmed: false,
  })
}

const openPlan = (
  key: string,
  state: { enabled: boolean; lockedOut?: true },
  link: Partial<Link>,
  said: Said | null = {},
) => plan(new World().has(key, state, link), [want(key)], said)

describe('while the ledger is restored', () => {
  test('nothing is made, granted, opened or deleted; shutting, links and values go on', () => {
    const world = new World({ leaver: { strip: 'all', keep: [], cleanupAfter: 0, deleteAfter: 0 } })
    world.catalogue = [entry('crm'), entry('press')]
    world
      .has('ann', { attributes: { title: ['Clerk'] } })
      .has('bob', { entitlements: ['press'] })
      .has('eve')
    world.has('old', { enabled: false }, { shutByUs: 'leaver', shutAt: now - DAY, foundShut: true })
    world.accounts.push(account('dan', { attributes: { employeeNumber: ['dan'] } }))
    const cleanup = { strip: 'all', keep: [] } as const
    const found = plan(world, [
      want('ann', { gives: ['crm'], fields: [field('title', 'Manager')] }),
      leaver('bob', { cleanup }),
      want('cleo'),
      want('dan'),
      suspended('eve'),
      leaver('old', { cleanup: { ...cleanup, remove: true } }),
    ])
    expect(kinds(found)).toEqual(['update', 'disable leaver', 'revoke press', 'link', 'disable suspend'])
    expect(stopped(found)).toEqual(['restored grant', 'restored create', 'restored delete'])
    expect(found.withheld[0]?.text).toContain('keyturn apply')
  })

  test('what a person approved before the backup waits as well', () => {
    const world = new World().has('ann')
    world.catalogue = [entry('admins', { privileged: true })]
    const people = [want('ann', { gives: ['admins'] })]
    world.approved = new Set(world.plan(...people).withheld.map(({ change }) => fingerprint(change)))
    expect(kinds(world.plan(...people))).toEqual(['grant admins'])
    expect(stopped(plan(world, people))).toEqual(['restored grant'])
  })

  test('a worker carries out nothing that opens', () => {
    const world = new World().has('ann', { enabled: false, attributes: { title: ['a'] } }, { shutByUs: 'suspend' })
    const people = [want('ann', { fields: [field('title', 'b')] })]
    const kindsOf = (more: object) => neededChanges(world.view(more), people, calm).map(({ kind }) => kind)
    expect(kindsOf({})).toEqual(['update', 'enable'])
    expect(kindsOf({ restored: { evidence: null } })).toEqual(['update'])
  })

  test('where nobody asked the platform, nothing is concluded', () => {
    const found = openPlan('ann', { enabled: false }, { shutByUs: 'suspend' }, null)
    expect(stopped(found)).toEqual(['restored enable'])
    expect(found.corrections).toBeUndefined()
  })
})

describe('an account that the restored ledger says we hold shut, of somebody who shall be let in', () => {
  test('and that nobody changed since the backup waits for the reconciliation only', () => {
    const found = openPlan('ann', { enabled: false }, { shutByUs: 'suspend' }, { untouched: ['id-ann'] })
    expect(stopped(found)).toEqual(['restored enable'])
    expect(found.corrections).toBeUndefined()
  })

  test.each(['suspend', 'leaver', 'pre-hire'] as const)(
    'and that was changed since stays shut for good, and is told (%s)',
    (shutByUs) => {
      const found = openPlan('ann', { enabled: false }, { shutByUs }, { ours: ['id-ann'] })
      expect([...found.changes, ...found.withheld]).toEqual([])
      expect(found.notes).toMatchObject([{ kind: 'shut-by-another-hand', account: 'ann' }])
      expect(found.corrections).toMatchObject([{ identity: 'hr:ann', from: shutByUs, shutByUs, foundShut: true }])
    },
  )

  test.each([{ enabled: true }, { enabled: false, lockedOut: true }] as const)(
    'and that was opened since is forgotten as shut, and keeps its password: %j',
    (state) => {
      const found = openPlan('ann', state, { shutByUs: 'leaver', passwordScrambled: true })
      expect([...found.changes, ...found.withheld, ...found.notes]).toEqual([])
      expect(found.corrections).toMatchObject([{ from: 'leaver', shutByUs: null, passwordScrambled: false }])
    },
  )
})

describe('an account that is shut as it should be, and the restored ledger does not say by whom', () => {
  test('is ours where Keyturn changed it last, after the backup', () => {
    const world = new World().has('ann', { enabled: false }).has('bob', { enabled: false })
    const found = plan(world, [suspended('ann'), suspended('bob')], { ours: ['id-ann'] })
    expect(found.corrections).toMatchObject([{ identity: 'hr:ann', from: null, shutByUs: 'suspend', foundShut: false }])
  })

  test('so is that of a joiner who is found by key, and waits for the first day', () => {
    const world = new World()
    world.accounts = [account('ann', { enabled: false, attributes: { employeeNumber: ['ann'] } })]
    const found = plan(world, [preHire('ann')], { ours: ['id-ann'] })
    expect(kinds(found)).toEqual(['link'])
    expect(found.corrections).toMatchObject([{ nativeId: 'id-ann', from: null, shutByUs: 'pre-hire' }])
  })

  test('is nobody’s to open where the person shall be let in', () => {
    const found = openPlan('ann', { enabled: false }, {}, { ours: ['id-ann'] })
    expect(found.corrections).toBeUndefined()
    expect(found.notes).toMatchObject([{ kind: 'shut-by-another-hand' }])
  })
})

test('a platform is asked about those accounts only, also about those that a key finds', () => {
  const world = new World()
    .has('ann', { enabled: false }, { shutByUs: 'suspend' })
    .has('bob')
    .has('cleo', { enabled: false })
    .has('dan', { enabled: false }, { shutByUs: 'leaver' })
    .has('eve', { enabled: false }, { shutByUs: 'leaver', foundShut: true })
  world.accounts.push(account('fay', { enabled: false, attributes: { employeeNumber: ['fay'] } }))
  const people = [want('ann'), want('bob'), leaver('cleo'), leaver('dan'), want('eve'), preHire('fay'), want('gil')]
  expect(accountsInQuestion(world.view(), people)).toEqual(['id-ann', 'id-cleo', 'id-fay'])
})

describe('somebody whom no key finds', () => {
  const keyless = { matches: [], candidates: ['ann', 'ann2', 'ann3'] }

  test('gets no second account: the name of an account without an owner is claimed, and a person says whose it is', () => {
    const world = new World()
    world.accounts = [account('ann')]
    const found = plan(world, [want('ann', keyless)])
    expect(stopped(found)).toEqual(['restored create'])
    expect(found.claims).toEqual([{ platform: 'wiki', name: 'ann', identity: 'hr:ann' }])
    world.names = [...(found.claims ?? [])]
    expect(stopped(world.plan(want('ann', keyless)))).toEqual(['disputed create'])
  })

  test('is made where no such name is taken, or only by somebody’s own account', () => {
    const world = new World().has('ann')
    const people = [want('ann'), want('other', keyless)]
    expect(plan(world, people).claims).toBeUndefined()
    expect(plan(new World(), [want('ann', keyless)]).claims).toBeUndefined()
  })

  test('nor where all candidates are taken or claimed already', () => {
    const world = new World().has('ann')
    const people = [want('ann'), want('other', { matches: [], candidates: ['ann'] })]
    expect(plan(world, people).claims).toBeUndefined()
    const second = new World()
    second.accounts = [account('ann')]
    second.names = [{ platform: 'wiki', name: 'ann', identity: 'hr:ann' }]
    expect(plan(second, [want('ann', keyless)]).claims).toBeUndefined()
  })
})
