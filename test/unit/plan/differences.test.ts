import { describe, expect, it } from 'vitest'
import { KeyturnError } from '../../../src/model/errors.ts'
import { account, entry, field, grantOf, kinds, linkOf, place, stopped, want, World } from './world.ts'

const titled = (value: readonly string[], more = {}) => want('ann', { fields: [field('title', value, more)] })

describe('attributes', () => {
  it('a different value is an update with the old and the new one, for the reason of the attribute', () => {
    const world = new World().has('ann', { attributes: { title: ['Clerk'] } })
    const plan = world.plan(titled(['Boss']))
    expect(plan.changes).toEqual([
      expect.objectContaining({
        kind: 'update',
        target: { nativeId: 'id-ann' },
        field: { attribute: 'title', from: ['Clerk'], to: ['Boss'] },
        reason: expect.objectContaining({ kind: 'rule' }),
      }),
    ])
    world.apply(plan.changes)
    expect(world.plan(titled(['Boss'])).changes).toEqual([])
  })

  it('the same values in another order, another case or with blanks that the platform drops are no difference', () => {
    const world = new World().has('ann', { attributes: { title: ['Boss', 'clerk'] } })
    expect(world.plan(titled([' Clerk', 'boss'])).changes).toEqual([])
  })

  it('the same difference is the same change, however the platform sorted its values', () => {
    const plans = [
      ['b', 'a'],
      ['a', 'b'],
    ].map((title) => new World().has('ann', { attributes: { title } }).plan(titled(['d', 'c'])))
    expect(plans[0]?.id).toBe(plans[1]?.id)
    expect(plans[0]?.changes[0]).toMatchObject({ field: { from: ['a', 'b'], to: ['c', 'd'] } })
  })

  it.each([
    ['keep', [], []],
    ['clear', ['update'], []],
    ['reject', [], ['empty-value update']],
  ] as const)('an empty value: %s', (empty, changes, withheld) => {
    const plan = new World().has('ann', { attributes: { title: ['Boss'] } }).plan(titled([], { empty }))
    expect(kinds(plan)).toEqual(changes)
    expect(stopped(plan)).toEqual(withheld)
  })

  it.each(['keep', 'clear', 'reject'] as const)('an empty value that is empty already, with %s, is quiet', (empty) => {
    expect(new World().has('ann').plan(titled([], { empty }))).toMatchObject({ changes: [], withheld: [] })
  })

  it('an empty value that is rejected stops the creation, and everything that belongs to it', () => {
    const world = new World()
    world.catalogue = [entry('crm')]
    const plan = world.plan(want('ann', { fields: [field('title', [], { empty: 'reject' })], gives: ['crm'] }))
    expect(stopped(plan)).toEqual(['empty-value create', 'empty-value grant'])
    expect(plan.withheld[0]?.text).toContain('title of ann would become empty')
  })

  it('what is written at creation only is in the new account, and never compared again', () => {
    const once = titled(['Boss'], { write: 'create' })
    expect(new World().plan(once).changes[0]).toMatchObject({ desired: { attributes: { title: ['Boss'] } } })
    expect(new World().has('ann').plan(once).changes).toEqual([])
  })

  it('a value that the platform refuses is held back with its sentence; the others are written', () => {
    const fields = [field('title', 'no!'), field('mail', 'ann@x')]
    const plan = new World().has('ann').plan(want('ann', { fields }))
    expect(plan.changes).toMatchObject([{ field: { attribute: 'mail' } }])
    expect(plan.withheld).toMatchObject([{ why: 'value-refused', text: 'title of ann: no "!" in title' }])
  })

  it('and stops a creation', () => {
    const plan = new World().plan(want('ann', { fields: [field('title', 'no!')] }))
    expect(plan.withheld).toMatchObject([{ why: 'value-refused', text: 'title of ann: no "!" in title' }])
  })

  it('an account that the platform refuses as a whole is named as such', () => {
    const fields = [field('mail', 'ann@x')]
    const created = new World().plan(want('ann', { candidates: ['?'], fields }))
    expect(created.withheld[0]).toMatchObject({ why: 'value-refused', text: 'mail of ?: no "?" in names' })
    const bare = new World().plan(want('ann', { candidates: ['?'] }))
    expect(bare.withheld[0]).toMatchObject({ why: 'value-refused', text: 'no "?" in names' })
    const world = new World()
    world.accounts = [account('?')]
    world.links = [linkOf('ann', { nativeId: 'id-?' })]
    expect(stopped(world.plan(want('ann', { fields })))).toEqual(['value-refused update'])
    expect(stopped(world.plan(want('ann', { fields: [field('manager', { accountOf: 'hr:x' })] })))).toEqual([])
    expect(stopped(world.plan(want('ann', { fields: [field('title', [])] })))).toEqual([])
  })

  it('a mistake in a connector is not taken for a refused value', () => {
    const plan = () => new World().has('ann').plan(want('ann', { fields: [field('bug', 'x')] }))
    expect(plan).toThrow('a mistake in the connector')
  })

  it('an expression that fails for one person is told, and stops nobody else', () => {
    const fails = () => {
      throw new KeyturnError('expression-failed', 'keyturn.yaml:9: the expression failed')
    }
    const world = new World().has('ann')
    const plan = world.plan(want('ann', { attributes: fails }), want('bob', { names: fails }), want('cy'))
    expect(kinds(plan)).toEqual(['create'])
    expect(plan.notes).toMatchObject([
      { kind: 'held', identity: 'hr:ann', text: expect.stringContaining('keyturn.yaml:9') },
    ])
    expect(plan.withheld).toMatchObject([{ why: 'value-refused', text: expect.stringContaining('keyturn.yaml:9') }])
  })
})

describe('references', () => {
  const report = want('ann', { fields: [field('manager', { accountOf: 'hr:boss' })] })

  it('to an account that is there: compared by its address', () => {
    const world = new World().has('ann').has('boss')
    const plan = world.plan(report, want('boss'))
    expect(plan.changes).toMatchObject([
      { kind: 'update', field: { attribute: 'manager', from: [], to: { accountOf: 'hr:boss' } } },
    ])
    world.apply(plan.changes)
    expect(world.plan(report, want('boss')).changes).toEqual([])
  })

  it('to an account that moved: updated', () => {
    const world = new World().has('ann', { attributes: { manager: ['uid=boss,ou=old'] } }).has('boss')
    expect(kinds(world.plan(report, want('boss')))).toEqual(['update'])
  })

  it('to an account that is only being linked', () => {
    const world = new World().has('ann')
    world.accounts.push(account('chief', { attributes: { employeeNumber: ['boss'] } }))
    expect(kinds(world.plan(report, want('boss')))).toEqual(['update', 'link'])
  })

  it('to an account that is being made, in whichever order: by an update of its own', () => {
    const world = new World()
    const plan = world.plan(report, want('boss'))
    expect(kinds(plan)).toEqual(['create', 'update', 'create'])
    expect(plan.changes[0]).toMatchObject({ desired: { attributes: {} } })
    expect(plan.changes[1]).toMatchObject({ target: { creates: 'hr:ann' }, field: { to: { accountOf: 'hr:boss' } } })
    world.apply(plan.changes)
    expect(world.plan(report, want('boss')).changes).toEqual([])
  })

  it('to an account that is not there and will not be: nothing for now', () => {
    const world = new World().has('ann', { attributes: { manager: ['uid=other'] } })
    expect(world.plan(report)).toMatchObject({ changes: [], withheld: [], notes: [] })
  })

  it('to an account whose creation is held back: it waits, and says so', () => {
    const world = new World().has('ann')
    const plan = world.plan(report, want('boss', { fields: [field('title', [], { empty: 'reject' })] }))
    expect(plan.changes).toEqual([])
    expect(stopped(plan)).toEqual(['empty-value create'])
    expect(plan.notes).toMatchObject([{ kind: 'waits-for-reference', identity: 'hr:ann' }])
  })

  it('written at creation only: not compared again', () => {
    const once = want('ann', { fields: [field('manager', { accountOf: 'hr:boss' }, { write: 'create' })] })
    expect(kinds(new World().has('boss').plan(once, want('boss')))).toEqual(['create', 'update'])
    expect(kinds(new World().has('ann').has('boss').plan(once, want('boss')))).toEqual([])
  })
})

describe('entitlements', () => {
  const crm = want('ann', { gives: ['crm'] })

  it('a missing one is granted, one that is held is quiet, whoever gave it', () => {
    const world = new World().has('ann').has('bob', { entitlements: ['crm'] })
    world.catalogue = [entry('crm')]
    const plan = world.plan(crm, want('bob', { gives: ['crm'] }))
    expect(plan.changes).toMatchObject([{ kind: 'grant', identity: 'hr:ann', entitlement: 'crm' }])
    expect(plan.changes[0]).not.toHaveProperty('privileged')
  })

  it('what the ledger records as ours and nobody gives any more is revoked, for the reason that it once had', () => {
    const world = new World().has('ann', { entitlements: ['own', 'crm', 'crm'] })
    world.catalogue = [entry('crm')]
    world.grants = [grantOf('ann', 'other'), grantOf('ann', 'crm')]
    const plan = world.plan(want('ann'))
    expect(kinds(plan)).toEqual(['revoke crm'])
    expect(plan.changes[0]?.reason).toEqual({ kind: 'rule', text: 'no longer: role employee', place: place(10) })
  })

  it('memberships that a person got elsewhere stay', () => {
    const world = new World().has('ann', { entitlements: ['crm'] })
    world.catalogue = [entry('crm')]
    expect(world.plan(want('ann')).changes).toEqual([])
  })

  it('except where the entitlement is exact', () => {
    const world = new World().has('ann', { entitlements: ['crm'] })
    world.catalogue = [entry('crm', { members: 'exact' })]
    const plan = world.plan(want('ann'))
    expect(plan.changes).toMatchObject([{ kind: 'revoke', reason: { kind: 'setting' } }])
    expect(plan.changes[0]?.reason).not.toHaveProperty('place')
    world.settings = {
      ...world.settings,
      entitlements: {
        under: [],
        named: { crm: { id: 'cn=crm', members: 'exact', privileged: false, place: place(77) } },
      },
    }
    expect(world.plan(want('ann')).changes[0]?.reason.place).toEqual(place(77))
  })

  it('one that the platform does not have is held back with the place of the rule; the rest is given', () => {
    const world = new World().has('ann')
    world.catalogue = [entry('crm')]
    const plan = world.plan(want('ann', { gives: ['typo', 'crm'] }))
    expect(kinds(plan)).toEqual(['grant crm'])
    expect(plan.withheld).toMatchObject([
      { why: 'missing-entitlement', text: expect.stringContaining('roles.yaml:10:3') },
    ])
    const operator = { name: 'typo', reason: { kind: 'operator', text: 'granted by jo' } } as const
    expect(world.plan(want('ann', { entitlements: [operator] })).withheld[0]?.text).toContain(
      'which granted by jo gives',
    )
  })

  it('a mover loses the old and gets the new', () => {
    const world = new World().has('ann', { entitlements: ['old'] })
    world.catalogue = [entry('old'), entry('new')]
    world.grants = [grantOf('ann', 'old')]
    const plan = world.plan(want('ann', { gives: ['new'] }))
    expect(kinds(plan)).toEqual(['revoke old', 'grant new'])
    world.apply(plan.changes)
    expect(world.plan(want('ann', { gives: ['new'] })).changes).toEqual([])
  })
})
