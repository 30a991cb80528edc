import { describe, expect, it } from 'vitest'
import { fingerprint } from '../../../src/model/change.ts'
import type { ModeKind } from '../../../src/model/settings.ts'
import type { DesiredAccount } from '../../../src/model/account.ts'
import { account, calm, leaver, linkOf, preHire, suspended, want, World } from './world.ts'

const standby = (world: World, ...people: readonly DesiredAccount[]) =>
  (world.plan(...people).standby ?? []).map((change) => [
    change.kind === 'disable' ? change.protocol : change.kind,
    change.account,
    'nativeId' in change.target ? change.target.nativeId : '+',
  ])

describe('shutting that nothing seen calls for, should something still be on its way', () => {
  it('stands by for a leaver of whom nothing is seen; the plan needs nothing and its hash knows nothing of it', () => {
    const plan = new World().plan(leaver('ann'))
    expect(plan).toMatchObject({ changes: [], withheld: [], notes: [] })
    expect(plan.id).toBe(new World().plan().id)
    expect(plan.standby).toEqual([
      {
        kind: 'disable',
        protocol: 'leaver',
        identity: 'hr:ann',
        platform: 'wiki',
        target: { creates: 'hr:ann' },
        account: 'ann',
        reason: leaver('ann').reason,
      },
    ])
  })

  it('for one whose account is shut: somebody may be about to open it for a rehire that was taken back', () => {
    const world = new World().has('ann', { enabled: false }, { shutByUs: 'leaver' })
    expect(standby(world, leaver('ann'))).toEqual([['leaver', 'ann', 'id-ann']])
  })

  it('for one whose account is gone, and for one of whom nobody knows which account is meant', () => {
    const world = new World()
    world.links = [linkOf('ann', { name: 'ann.old' })]
    world.accounts = ['x', 'y'].map((name) => account(name, { attributes: { employeeNumber: ['bob'] } }))
    expect(standby(world, leaver('ann'), leaver('bob'))).toEqual([
      ['leaver', 'ann.old', '+'],
      ['leaver', 'bob', '+'],
    ])
  })

  it('for people on leave, who shall only be kept out', () => {
    const world = new World().has('bob', { enabled: false }, { shutByUs: 'suspend' })
    expect(standby(world, suspended('ann'), suspended('bob'))).toEqual([
      ['suspend', 'ann', '+'],
      ['suspend', 'bob', 'id-bob'],
    ])
  })

  it('but not where the plan shuts or makes the account itself, nor for those who shall be let in', () => {
    const world = new World().has('ann').has('bob')
    expect(standby(world, leaver('ann'), suspended('bob'), preHire('cleo'), want('dan'))).toEqual([])
  })

  it('nor where safety would not let it pass', () => {
    const mode: Record<ModeKind, 'full' | 'observe'> = {
      revoke: 'observe',
      create: 'full',
      attributes: 'full',
      entitlements: 'full',
    }
    expect(standby(new World({ mode }), leaver('ann'))).toEqual([])
    expect(standby(new World(), leaver('ann', { held: 'two dates contradict each other' }))).toEqual([])
    const world = new World().has('ann', { enabled: false }, { shutByUs: 'leaver' })
    world.rejected = new Set(world.plan(leaver('ann')).standby?.map(fingerprint))
    expect(standby(world, leaver('ann'))).toEqual([])
    world.rejected = new Set()
    world.safety = { ...calm, protected: ['ann'] }
    expect(standby(world, leaver('ann'))).toEqual([])
  })
})
