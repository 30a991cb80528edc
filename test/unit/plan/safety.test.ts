import { describe, expect, it } from 'vitest'
import { awaitsDecision, fingerprint, reviewedChanges } from '../../../src/model/change.ts'
import type { Plan } from '../../../src/model/change.ts'
import type { ModeKind, SafetyLimit } from '../../../src/model/settings.ts'
import {
  account,
  calm,
  entry,
  field,
  grantOf,
  kinds,
  leaver,
  leavers,
  stopped,
  suspended,
  want,
  World,
} from './world.ts'

const cleanup = { strip: 'all', keep: [], container: leavers } as const

/** `count` people with open accounts. */
function staffed(count: number, limits: Readonly<Record<string, SafetyLimit>>): { world: World; keys: string[] } {
  const world = new World()
  const keys = Array.from({ length: count }, (_, at) => `p${String(at).padStart(3, '0')}`)
  for (const key of keys) world.has(key)
  const removals = limits['removals'] ?? calm.limits.default.removals
  world.safety = { ...calm, limits: { default: { ...limits, removals } } }
  return { world, keys }
}

describe('accounts that are never changed', () => {
  it('the one that Keyturn signs in with, however its address is written', () => {
    const world = new World().has('ann', { address: 'CN=Ann, OU=Staff ,DC=x' })
    world.ownAddress = 'cn=ann,ou = staff,dc=x'
    expect(stopped(world.plan(want('ann', { fields: [field('title', 'x')] })))).toEqual(['own-account update'])
    world.ownAddress = 'cn=other'
    expect(kinds(world.plan(want('ann', { fields: [field('title', 'x')] })))).toEqual(['update'])
  })

  it.each([['ADMIN*'], ['*,ou=PEOPLE,*'], ['uid=admin.(x),*']])('protected ones, by name or DN: %s', (pattern) => {
    const world = new World().has('admin.(x)')
    world.safety = { ...calm, protected: [pattern] }
    const plan = world.plan(want('admin.(x)', { fields: [field('title', 'x')] }))
    expect(stopped(plan)).toEqual(['protected update'])
    expect(plan.notes).toEqual([])
  })

  it('a pattern means the whole name', () => {
    const world = new World().has('ann')
    world.safety = { ...calm, protected: ['an', 'nn', 'a.n'] }
    expect(stopped(world.plan(leaver('ann')))).toEqual([])
  })

  it('a protected account is not forgotten when its owner leaves, and its owner is remembered', () => {
    const world = new World()
    world.accounts = [account('svc', { attributes: { employeeNumber: ['ann'] } })]
    world.safety = { ...calm, protected: ['svc'] }
    const plan = world.plan(leaver('ann'))
    expect(kinds(plan)).toEqual(['link'])
    expect(stopped(plan)).toEqual(['protected disable'])
    expect(plan.notes).toMatchObject([
      { kind: 'protected', identity: 'hr:ann', text: expect.stringContaining('shut it by hand') },
    ])
  })

  it('until a person says that it was shut by hand: that leaving is told no more, and nothing is changed', () => {
    const cleaning = new World({ leaver: { strip: 'all', keep: [], cleanupAfter: 0, deleteAfter: 'never' } })
    const world = cleaning.has('ann', { entitlements: ['crm'] })
    world.safety = { ...calm, protected: ['ann'] }
    const asked = world.plan(leaver('ann', { cleanup }))
    expect(stopped(asked)).toEqual(['protected disable', 'protected move', 'protected revoke'])
    expect(asked.withheld.filter(awaitsDecision).map(({ change }) => change.kind)).toEqual(['disable'])
    expect(asked.withheld[0]?.text).toContain('say so with "keyturn holds approve ID --reason TEXT"')
    expect(asked.doneByHand).toEqual([])
    world.doneByHand = new Set(asked.withheld.map(({ change }) => fingerprint(change)))
    const told = world.plan(leaver('ann', { cleanup }))
    expect(told).toMatchObject({ changes: [], withheld: [], notes: [], doneByHand: [asked.withheld[0]?.change] })
    expect(stopped(world.plan(want('ann', { fields: [field('title', 'x')] })))).toEqual(['protected update'])
    expect(world.plan(want('ann')).doneByHand).toEqual([])
    // The account of another person is another account.
    world.doneByHand = new Set(['something else'])
    expect(world.plan(leaver('ann')).notes).toHaveLength(1)
  })

  it('an account that is protected no more is shut like any other: what was said before releases nothing', () => {
    const world = new World().has('ann')
    world.doneByHand = new Set(world.plan(leaver('ann')).changes.map(fingerprint))
    world.safety = { ...calm, limits: { default: { removals: { max: 0, above: 0 } } } }
    expect(stopped(world.plan(leaver('ann')))).toEqual(['removals-limit disable'])
  })

  it('a protected account that Keyturn itself had shut before is told as long as something is left on it', () => {
    const world = new World().has('ann', { enabled: false, entitlements: ['crm'] }, { shutByUs: 'leaver' })
    world.safety = { ...calm, protected: ['ann'] }
    const plan = world.plan(leaver('ann', { cleanup: { strip: 'all', keep: [] } }))
    expect([stopped(plan), plan.notes.length]).toEqual([['protected revoke'], 1])
  })

  it('those that the platform keeps to itself, with its sentence', () => {
    const plan = new World().has('ann', { cannotManage: 'adminCount is 1' }).plan(leaver('ann'))
    expect(plan.withheld).toMatchObject([{ why: 'cannot-manage', text: 'ann on wiki: adminCount is 1' }])
  })

  it('people whose record contradicts itself: not even a link', () => {
    const world = new World().has('bob')
    world.accounts.push(account('ann', { attributes: { employeeNumber: ['ann'] } }))
    const plan = world.plan(
      leaver('ann', { held: 'it ends before it starts' }),
      want('bob', { held: 'unclear' }),
      want('cy', { held: 'odd' }),
    )
    expect(stopped(plan)).toEqual(['held link', 'held disable', 'held create'])
    expect(plan.notes).toMatchObject([
      { kind: 'held', text: expect.stringContaining('it ends before it starts') },
      { kind: 'held', identity: 'hr:cy' },
    ])
  })

  it('a dispute stays a dispute', () => {
    const world = new World().has('ann', { attributes: { employeeNumber: ['2'] }, cannotManage: 'adminCount is 1' })
    expect(stopped(world.plan(want('2')))).toEqual(['disputed link'])
  })
})

describe('what waits for a person', () => {
  it('privileged grants, also in a new account, which is made without them', () => {
    const world = new World().has('ann')
    world.catalogue = [entry('root', { privileged: true }), entry('crm')]
    const people = [want('ann', { gives: ['root', 'crm'] }), want('bob', { gives: ['root'] })]
    const plan = world.plan(...people)
    expect(kinds(plan)).toEqual(['grant crm', 'create'])
    expect(stopped(plan)).toEqual(['privileged grant', 'privileged grant'])
    world.approved = new Set([fingerprint(plan.withheld[0]?.change as never)])
    expect(kinds(world.plan(...people))).toEqual(['grant root', 'grant crm', 'create'])
    world.safety = { ...calm, privileged: 'allow' }
    expect(stopped(world.plan(...people))).toEqual([])
  })

  it('the backlog of people who left before Keyturn came, as one hold and outside the limits', () => {
    const { world, keys } = staffed(5, { removals: { max: 0.2, above: 0 } })
    const people = keys.map((key) => leaver(key, { backlog: true, cleanup: { strip: 'all', keep: [] } }))
    const plan = world.plan(...people)
    expect(new Set(stopped(plan))).toEqual(new Set(['backlog disable']))
    expect(new Set(plan.withheld.map(({ text }) => text)).size).toBe(1)
    expect(plan.population).toEqual({ wiki: 0 })
    world.approved = new Set(plan.withheld.map(({ change }) => fingerprint(change)))
    expect(kinds(world.plan(...people))).toHaveLength(5)
  })

  it('the backlog is linked, so that it is known whose accounts those are', () => {
    const world = new World()
    world.accounts = [account('old', { attributes: { employeeNumber: ['ann'] } })]
    const plan = world.plan(leaver('ann', { backlog: true }))
    expect([kinds(plan), stopped(plan)]).toEqual([['link'], ['backlog disable']])
  })

  it('an account of the backlog that another hand opened again is shut at once', () => {
    const world = new World().has('ann', {}, { shutByUs: 'leaver' })
    expect(kinds(world.plan(leaver('ann', { backlog: true })))).toEqual(['disable leaver'])
  })

  it('an account that another hand deleted, until it is released', () => {
    const world = new World()
    world.catalogue = [entry('crm')]
    world.has('ann').accounts = []
    const plan = world.plan(want('ann', { gives: ['crm'] }))
    expect(stopped(plan)).toEqual(['account-deleted create', 'account-deleted grant'])
    world.approved = new Set([fingerprint(plan.withheld[0]?.change as never)])
    expect(kinds(world.plan(want('ann', { gives: ['crm'] })))).toEqual(['create', 'grant crm'])
  })

  it('what somebody rejected stays so, and what belongs to it too', () => {
    const world = new World().has('ann', { entitlements: ['crm'] })
    const gone = leaver('ann', { cleanup })
    const [disable] = world.plan(gone).changes
    world.rejected = new Set([fingerprint(disable as never)])
    expect(stopped(world.plan(gone))).toEqual(['rejected disable', 'rejected move', 'rejected revoke'])
  })

  it('an approval does not pass what no approval can', () => {
    const world = new World().has('ann', { cannotManage: 'adminCount is 1' })
    const disable = world.plan(leaver('ann')).withheld[0]?.change
    world.approved = new Set([fingerprint(disable as never)])
    expect(stopped(world.plan(leaver('ann')))).toEqual(['cannot-manage disable'])
  })
})

describe('mode observe', () => {
  it.each<[ModeKind, string[]]>([
    ['revoke', ['observe disable', 'observe move', 'observe revoke', 'observe disable']],
    ['create', ['observe create', 'observe grant']],
    ['attributes', ['observe update', 'observe expire']],
    ['entitlements', ['observe revoke', 'observe grant', 'observe grant']],
  ])('%s shows what it would do, and does the rest', (kind, expected) => {
    const mode = {
      revoke: 'full',
      create: 'full',
      attributes: 'full',
      entitlements: 'full',
      [kind]: 'observe',
    } as const
    const world = new World({ mode })
      .has('gone', { entitlements: ['crm'] })
      .has('ann', { entitlements: ['old'] })
      .has('away')
    world.catalogue = [entry('crm'), entry('old')]
    world.grants = [grantOf('ann', 'old')]
    const plan = world.plan(
      leaver('gone', { cleanup }),
      want('ann', { gives: ['crm'], fields: [field('title', 'x')], expiresAt: 9e15 }),
      want('new', { gives: ['crm'] }),
      suspended('away'),
    )
    expect(stopped(plan)).toEqual(expected)
    expect(plan.withheld[0]?.text).toBe(`wiki is only observed for this kind of change (mode, ${kind}: observe).`)
    expect(plan.changes.length).toBe(10 - expected.length)
  })
})

describe('limits', () => {
  it('too many removals: none is done, and the text has the numbers and the way out', () => {
    const { world, keys } = staffed(207, { removals: { max: 0.1, above: 20 } })
    const people = keys.map((key, at) =>
      at < 143 ? leaver(key, { cleanup }) : want(key, { fields: [field('title', 'x')] }),
    )
    const plan = world.plan(...people)
    expect(plan.withheld).toHaveLength(2 * 143)
    expect(kinds(plan)).toEqual(Array.from({ length: 64 }, () => 'update'))
    expect(new Set(plan.withheld.map(({ why }) => why))).toEqual(new Set(['removals-limit']))
    expect(plan.withheld[0]?.text).toBe(
      'wiki: 143 of 207 accounts (69.1 %) would lose access; the limit is 10 % above 20. Nothing was removed. Look with "keyturn holds show ID", release with "keyturn holds approve ID --reason TEXT".',
    )
  })

  it('exactly at the limit, or at the number that is always allowed, everything passes', () => {
    const { world, keys } = staffed(40, { removals: { max: 0.1, above: 0 } })
    const plan = (leaving: number) => world.plan(...keys.map((key, at) => (at < leaving ? leaver(key) : want(key))))
    expect(stopped(plan(4))).toEqual([])
    expect(stopped(plan(5))).toHaveLength(5)
    world.safety = { ...calm, limits: { default: { removals: { max: 0, above: 5 } } } }
    expect(stopped(plan(5))).toEqual([])
    expect(stopped(plan(6))).toHaveLength(6)
  })

  it('who was left open when others of a hold were released stays held, however few they are by now', () => {
    const { world, keys } = staffed(4, { removals: { max: 0, above: 2 } })
    const people = keys.map((key) => leaver(key, { cleanup }))
    const lines = (plan: Plan) => plan.withheld.map(({ change }) => fingerprint(change))
    const [first = '', second = '', third = '', ...rest] = lines(world.plan(...people))
    world.approved = new Set([first, second])
    world.leftOpen = new Set([third, ...rest])
    const plan = world.plan(...people)
    expect(lines(plan)).toEqual([third, ...rest])
    expect(new Set(plan.withheld.map(({ why }) => why))).toEqual(new Set(['removals-limit']))
    expect(plan.withheld[0]?.text).toContain(
      'left open when others of the same hold were decided. Nothing was removed.',
    )
  })

  it('a platform may have limits of its own', () => {
    const { world, keys } = staffed(3, {})
    world.safety = { ...calm, limits: { ...calm.limits, wiki: { removals: { max: 0, above: 0 } } } }
    expect(stopped(world.plan(...keys.map((key) => leaver(key))))).toHaveLength(3)
  })

  it('people are counted, not changes: a mover who loses three counts once, and keeps what is new', () => {
    const { world, keys } = staffed(10, { removals: { max: 0.1, above: 0 } })
    world.catalogue = ['a', 'b', 'c', 'd'].map((name) => entry(name))
    world.accounts = world.accounts.map((one) => ({ ...one, entitlements: ['a', 'b', 'c'] }))
    world.grants = keys.flatMap((key) => ['a', 'b', 'c'].map((name) => grantOf(key, name)))
    const moving = (count: number) =>
      world.plan(...keys.map((key, at) => want(key, { gives: at < count ? ['d'] : ['a', 'b', 'c', 'd'] })))
    expect(stopped(moving(1))).toEqual([])
    expect(kinds(moving(2)).filter((kind) => kind !== 'grant d')).toEqual([])
    expect(kinds(moving(2))).toHaveLength(10)
  })

  it('announced exits neither count nor wait', () => {
    const { world, keys } = staffed(10, { removals: { max: 0.1, above: 0 } })
    const plan = world.plan(...keys.map((key, at) => (at < 6 ? leaver(key, { announced: at < 4 }) : want(key))))
    expect(kinds(plan)).toHaveLength(4)
    expect(plan.withheld.map(({ change }) => change.identity)).toEqual(['hr:p004', 'hr:p005'])
  })

  it('approved ones neither count nor wait; the rest is counted anew', () => {
    const { world, keys } = staffed(10, { removals: { max: 0.1, above: 0 } })
    const people = keys.map((key, at) => (at < 4 ? leaver(key) : want(key)))
    world.approved = new Set(
      world
        .plan(...people)
        .withheld.slice(0, 2)
        .map(({ change }) => fingerprint(change)),
    )
    expect([kinds(world.plan(...people)).length, stopped(world.plan(...people)).length]).toEqual([2, 2])
    world.approved.add(fingerprint(world.plan(...people).withheld[0]?.change as never))
    expect([kinds(world.plan(...people)).length, stopped(world.plan(...people)).length]).toEqual([4, 0])
  })

  it('accounts of leavers that another hand opened again are shut, however many, and whatever else is held', () => {
    const { world, keys } = staffed(5, { removals: { max: 0.1, above: 1 } })
    const reopened = ['x', 'y', 'z']
    for (const key of reopened) world.has(key, {}, { shutByUs: 'leaver' })
    const plan = world.plan(...keys.map((key) => leaver(key)), ...reopened.map((key) => leaver(key)))
    expect(plan.changes.map(({ kind, identity }) => [kind, identity])).toEqual(
      reopened.map((key) => ['disable', `hr:${key}`]),
    )
    expect(stopped(plan)).toHaveLength(5)
  })

  it('the later clean-up of accounts that are shut does not count, but waits with the others', () => {
    const { world, keys } = staffed(10, { removals: { max: 0.1, above: 0 } })
    for (const key of ['x', 'y', 'z']) world.has(key, { enabled: false, entitlements: ['crm'] }, { shutByUs: 'leaver' })
    const old = ['x', 'y', 'z'].map((key) => leaver(key, { cleanup: { strip: 'all', keep: [] } }))
    const plan = (leaving: number) =>
      world.plan(...keys.map((key, at) => (at < leaving ? leaver(key) : want(key))), ...old)
    expect(plan(1).population).toEqual({ wiki: 10 })
    expect(kinds(plan(1))).toHaveLength(4)
    expect(stopped(plan(2))).toHaveLength(5)
  })

  it('creations are limited only where it is said, and not when a person has seen the plan', () => {
    const { world, keys } = staffed(4, { creations: { max: 0.5, above: 2 } })
    const people = [...keys, 'n1', 'n2', 'n3'].map((key) => want(key))
    const plan = world.plan(...people)
    expect(stopped(plan)).toHaveLength(3)
    expect(plan.withheld[0]?.text).toContain(
      'wiki: 3 accounts would be created where 4 are linked (75 %); the limit is 50 % above 2. Nothing was created.',
    )
    world.confirmed = true
    const reviewed = world.plan(...people)
    expect(kinds(reviewed)).toHaveLength(3)
    // What was shown is what is carried out: by the same hash.
    expect(reviewed.id).toBe(plan.id)
    expect(reviewedChanges(plan)).toEqual(reviewed.changes)
    expect(reviewedChanges(reviewed)).toBe(reviewed.changes)
  })

  it('on an empty platform there is no share to speak of', () => {
    const { world } = staffed(0, { creations: { max: 0.5, above: 0 } })
    expect(world.plan(want('n1')).withheld[0]?.text).toContain(
      '1 account would be created where 0 are linked; the limit',
    )
  })

  it('updates are limited only where it is said; moves of leavers and parts of creations are none', () => {
    const { world, keys } = staffed(4, { updates: { max: 0.25, above: 0 } })
    world.has('boss')
    const changed = (key: string) => want(key, { fields: [field('title', 'x')] })
    const few = [changed('p000'), want('p001'), want('p002'), leaver('p003', { cleanup }), want('boss')]
    const joiner = want('new', { fields: [field('manager', { accountOf: 'hr:boss' })] })
    expect(stopped(world.plan(...few, joiner))).toEqual([])
    const plan = world.plan(...keys.map(changed))
    expect(stopped(plan)).toHaveLength(4)
    expect(plan.withheld[0]?.text).toContain('4 of 4 accounts (100 %) would be changed')
    world.confirmed = true
    expect(kinds(world.plan(...keys.map(changed)))).toHaveLength(4)
  })

  it('a confirmed plan never passes the limit on removals', () => {
    const { world, keys } = staffed(10, { removals: { max: 0.1, above: 0 } })
    world.confirmed = true
    expect(stopped(world.plan(...keys.map((key) => leaver(key))))).toHaveLength(10)
  })

  it('other reasons come first, and those accounts do not count', () => {
    const { world, keys } = staffed(10, { removals: { max: 0.1, above: 0 } })
    world.safety = { ...world.safety, protected: ['p00[!0]', 'p001', 'p002'] }
    const plan = world.plan(...keys.map((key, at) => (at < 3 ? leaver(key) : want(key))))
    expect([kinds(plan), stopped(plan)]).toEqual([['disable leaver'], ['protected disable', 'protected disable']])
  })
})
