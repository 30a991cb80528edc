import { describe, expect, it } from 'vitest'
import type { DesiredAccount } from '../../../src/model/account.ts'
import { fingerprint } from '../../../src/model/change.ts'
import { neededChanges, notGivenBack } from '../../../src/plan/index.ts'
import {
  account,
  calm,
  entry,
  field,
  grantOf,
  kinds,
  leaver,
  leavers,
  linkOf,
  preHire,
  stopped,
  suspended,
  want,
  World,
} from './world.ts'

const frozen = { frozen: 'frozen by ann: inquiry' }
const emergency = { emergency: true }
const cleanup = { strip: 'all', keep: [], container: leavers } as const

function needed(world: World, ...people: readonly DesiredAccount[]): string[] {
  return kinds({ changes: neededChanges(world.view(), people, world.safety) })
}

describe('a frozen person', () => {
  it('is given nothing and loses nothing, and the operator’s reason is told', () => {
    const world = new World().has('ann', { entitlements: ['old'] })
    world.catalogue = [entry('crm'), entry('old')]
    world.grants = [grantOf('ann', 'old')]
    const people = [
      want('ann', { ...frozen, gives: ['crm'], fields: [field('title', 'Boss')] }),
      want('bob', { ...frozen, gives: ['crm'] }),
    ]
    const plan = world.plan(...people)
    expect(plan.changes).toEqual([])
    expect(stopped(plan)).toEqual(['frozen update', 'frozen revoke', 'frozen grant', 'frozen create', 'frozen grant'])
    expect(plan.withheld[0]?.text).toBe(
      'hr:ann is frozen (frozen by ann: inquiry): nothing but revocation goes on for this person.',
    )
    expect(needed(world, ...people)).toEqual([])
  })

  it('is not opened', () => {
    const world = new World().has('ann', { enabled: false }, { shutByUs: 'leaver', passwordScrambled: true })
    const ann = want('ann', frozen)
    expect(stopped(world.plan(ann))).toEqual(['frozen issue-credential', 'frozen enable'])
    expect(needed(world, ann)).toEqual([])
  })

  it('is shut all the same when they leave, with the clean-up', () => {
    const world = new World().has('ann', { entitlements: ['crm'] })
    world.catalogue = [entry('crm')]
    const ann = leaver('ann', { ...frozen, cleanup })
    expect(kinds(world.plan(ann))).toEqual(['disable leaver', 'move', 'revoke crm'])
    expect(needed(world, ann)).toEqual(['disable leaver', 'move', 'revoke crm'])
  })

  it('is disabled all the same during a leave, also where the account is only found now', () => {
    const world = new World()
    world.accounts = [account('ann', { attributes: { employeeNumber: ['ann'] } })]
    const ann = suspended('ann', { ...frozen, fields: [field('title', 'Boss')] })
    expect(kinds(world.plan(ann))).toEqual(['link', 'disable suspend'])
    expect(stopped(world.plan(ann))).toEqual(['frozen update'])
  })

  it('is made no account by anybody’s approval', () => {
    const world = new World()
    world.links = [linkOf('ann')]
    const [created] = world.plan(want('ann')).withheld
    world.approved = new Set([fingerprint((created as NonNullable<typeof created>).change)])
    expect(kinds(world.plan(want('ann')))).toEqual(['create'])
    expect(stopped(world.plan(want('ann', frozen)))).toEqual(['frozen create'])
  })

  it('is found in dispute like everybody else', () => {
    const world = new World()
    world.accounts = ['a', 'b'].map((name) => account(name, { attributes: { employeeNumber: ['ann'] } }))
    expect(stopped(world.plan(want('ann', frozen)))).toEqual(['disputed link', 'disputed link'])
  })

  it('whose record contradicts itself is held', () => {
    const world = new World().has('ann')
    expect(stopped(world.plan(preHire('ann', { ...frozen, held: 'it ends before it starts' })))).toEqual([
      'held disable',
    ])
  })
})

describe('an emergency', () => {
  const strict = { ...calm, limits: { default: { removals: { max: 0, above: 0 } } } }

  it('passes the limit on removals and does not count against it', () => {
    const world = new World()
      .has('ann', { entitlements: ['crm'] })
      .has('bob')
      .has('joe')
    world.safety = { ...calm, limits: { default: { removals: { max: 0, above: 1 } } } }
    const ann = leaver('ann', { ...emergency, cleanup })
    expect(stopped(world.plan(ann, leaver('bob')))).toEqual([])
    world.safety = strict
    const plan = world.plan(ann, leaver('bob'), want('joe'))
    expect(kinds(plan)).toEqual(['disable leaver', 'move', 'revoke crm'])
    expect(stopped(plan)).toEqual(['removals-limit disable'])
    expect(plan.withheld[0]?.text).toContain('1 of 3 accounts')
  })

  it('passes the backlog, a rejection, a part that was left open, and a record that contradicts itself', () => {
    const world = new World().has('ann')
    const ann = leaver('ann', { backlog: true, held: 'it ends before it starts' })
    const [change] = world.plan(leaver('ann')).changes
    const print = fingerprint(change as NonNullable<typeof change>)
    world.rejected.add(print)
    world.leftOpen.add(print)
    expect(stopped(world.plan(ann))).toEqual(['held disable'])
    expect(kinds(world.plan({ ...ann, ...emergency }))).toEqual(['disable leaver'])
    expect(needed(world, ann)).toEqual([])
    expect(needed(world, { ...ann, ...emergency })).toEqual(['disable leaver'])
  })

  it('passes neither protection nor our own account, nor a platform that is only observed', () => {
    const world = new World().has('ann').has('bob')
    world.safety = { ...calm, protected: ['bob'] }
    world.ownAddress = 'uid=ann,ou=people,dc=example'
    expect(stopped(world.plan(leaver('ann', emergency), leaver('bob', emergency)))).toEqual([
      'own-account disable',
      'protected disable',
    ])
    const observed = new World({ mode: { ...world.settings.mode, revoke: 'observe' } }).has('ann')
    expect(stopped(observed.plan(leaver('ann', emergency)))).toEqual(['observe disable'])
  })

  it('opens nothing and deletes nothing by itself', () => {
    const world = new World({ leaver: { strip: 'all', keep: [], cleanupAfter: 0, deleteAfter: 0 } })
    world.has('ann', { enabled: false }, { shutByUs: 'leaver', shutAt: 0 })
    world.safety = strict
    const gone = leaver('ann', { ...emergency, cleanup: { strip: 'all', keep: [], remove: true } })
    const [deletion] = world.plan(gone).changes
    world.rejected.add(fingerprint(deletion as NonNullable<typeof deletion>))
    expect(stopped(world.plan(gone))).toEqual(['rejected delete'])
    const privileged = new World().has('ann')
    privileged.catalogue = [entry('root', { privileged: true })]
    expect(stopped(privileged.plan(want('ann', { ...emergency, gives: ['root'] })))).toEqual(['privileged grant'])
  })
})

describe('an offboarding that is undone', () => {
  it('is opened and moved back with a new password and what roles give; the rest is named', () => {
    const world = new World({
      leaver: { strip: 'all', keep: [], cleanupAfter: 0, deleteAfter: 'never', container: leavers },
    })
    world.has('ann', { entitlements: ['crm', 'chess', 'root'] })
    world.catalogue = [entry('crm'), entry('chess'), entry('root', { privileged: true })]
    world.apply(world.plan(leaver('ann', { ...emergency, cleanup })).changes)
    const ann = want('ann', { gives: ['crm', 'root'] })
    const plan = world.plan(ann)
    expect(kinds(plan)).toEqual(['move', 'grant crm', 'issue-credential', 'enable'])
    expect(stopped(plan)).toEqual(['privileged grant'])
    const taken = ['chess', 'crm', 'root'].map((entitlement) => ({ platform: 'wiki', entitlement }))
    expect(notGivenBack('hr:ann', taken, plan)).toEqual([{ platform: 'wiki', entitlement: 'chess' }])
    expect(notGivenBack('hr:bob', taken, plan)).toEqual(taken)
  })
})
