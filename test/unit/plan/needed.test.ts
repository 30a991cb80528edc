import { describe, expect, it } from 'vitest'
import type { DesiredAccount } from '../../../src/model/account.ts'
import { fingerprint } from '../../../src/model/change.ts'
import { neededChanges } from '../../../src/plan/index.ts'
import { account, calm, entry, field, kinds, leaver, linkOf, want, World } from './world.ts'

const needed = (world: World, ...people: readonly DesiredAccount[]) =>
  kinds({ changes: neededChanges(world.view(), people, world.safety) })

describe('what a worker needs to know', () => {
  it('is the same as in the plan, in the order of carrying out', () => {
    const world = new World().has('ann', { entitlements: ['old'] })
    world.catalogue = [entry('crm')]
    const people = [want('ann', { gives: ['crm'], fields: [field('title', 'x')] }), leaver('bob')]
    const planned = world.plan(...people).changes.map(fingerprint)
    expect(neededChanges(world.view(), people, world.safety).map(fingerprint)).toEqual(planned)
  })

  it('does not ask limits and holds again', () => {
    const world = new World()
    world.safety = { ...calm, limits: { default: { removals: { max: 0, above: 0 } } } }
    world.has('ann').catalogue = [entry('root', { privileged: true })]
    world.links.push(linkOf('bob'))
    world.names.push({ platform: 'wiki', name: 'bob', identity: 'hr:bob' })
    expect(needed(world, leaver('ann'), want('bob', { gives: ['root'] }))).toEqual([
      'disable leaver',
      'create',
      'grant root',
    ])
  })

  it('leaves out what the facts forbid, and what depends on it', () => {
    const world = new World().has('ann', { cannotManage: 'adminCount is 1' })
    world.names.push({ platform: 'wiki', name: 'bob', identity: 'hr:bob' })
    world.catalogue = [entry('crm')]
    const bob = want('bob', { gives: ['crm'], fields: [field('title', [], { empty: 'reject' })] })
    expect(needed(world, leaver('ann'), bob)).toEqual([])
  })

  it('leaves out what has become protected or only observed since it was admitted', () => {
    const observing = new World({
      mode: { revoke: 'observe', create: 'full', attributes: 'full', entitlements: 'full' },
    })
    expect(needed(observing.has('ann'), leaver('ann'))).toEqual([])
    const guarded = new World().has('ann')
    expect(needed(guarded, leaver('ann'))).toEqual(['disable leaver'])
    guarded.safety = { ...calm, protected: ['a*'] }
    expect(needed(guarded, leaver('ann'))).toEqual([])
  })

  it('leaves out what a person has rejected since it was admitted, unless it is an emergency', () => {
    const world = new World().has('ann')
    for (const change of neededChanges(world.view(), [leaver('ann')], world.safety))
      world.rejected.add(fingerprint(change))
    expect(needed(world, leaver('ann'))).toEqual([])
    expect(needed(world, { ...leaver('ann'), emergency: true })).toEqual(['disable leaver'])
  })

  it('chooses no new name: what is claimed counts, whichever it was', () => {
    const world = new World()
    expect(needed(world, want('ann'))).toEqual([])
    world.names = ['ann', 'ann2'].map((name) => ({ platform: 'wiki', name, identity: 'hr:ann' }))
    const names = neededChanges(world.view(), [want('ann')], world.safety).map((change) => change.account)
    const created = neededChanges(world.view(), [want('ann')], world.safety).map((change) =>
      change.kind === 'create' ? change.desired.name : '',
    )
    expect([names, created]).toEqual([
      ['ann', 'ann'],
      ['ann', 'ann2'],
    ])
  })

  it('makes no second account where the first was made but not recorded', () => {
    const world = new World()
    world.names = [{ platform: 'wiki', name: 'ann', identity: 'hr:ann' }]
    world.accounts = [account('ann', { attributes: { employeeNumber: ['ann'] } })]
    expect(needed(world, want('ann'))).toEqual(['link'])
    world.accounts = [account('ann')]
    expect(needed(world, want('ann', { matches: [] }))).toEqual([])
  })

  it('a reference to an account that is not seen counts as needed; one that is seen is compared', () => {
    const report = want('ann', { fields: [field('manager', { accountOf: 'hr:boss' })] })
    const world = new World().has('ann', { attributes: { manager: ['uid=boss,ou=people,dc=example'] } })
    expect(needed(world, report)).toEqual(['update'])
    world.has('boss')
    expect(needed(world, report)).toEqual([])
  })
})
