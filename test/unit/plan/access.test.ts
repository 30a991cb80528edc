import { describe, expect, it } from 'vitest'
import { DAY } from '../../../src/model/instant.ts'
import type { Link } from '../../../src/model/ledger.ts'
import {
  account,
  entry,
  field,
  kinds,
  leaver,
  leavers,
  now,
  preHire,
  staff,
  stopped,
  suspended,
  want,
  World,
} from './world.ts'

const leaving = { strip: 'all', keep: [], cleanupAfter: 0, deleteAfter: 'never', container: leavers } as const
const cleanup = { strip: 'all', keep: [], container: leavers } as const

describe('opening', () => {
  it('an account that another hand shut stays shut, and is reported', () => {
    const plan = new World().has('ann', { enabled: false }).plan(want('ann'))
    expect(plan.changes).toEqual([])
    expect(plan.notes).toMatchObject([
      { kind: 'shut-by-another-hand', account: 'ann', text: expect.stringContaining('is disabled') },
    ])
  })

  it.each([{}, { lockedOut: true }, { enabled: true, expiresAt: now - DAY }])(
    'so does a rehire’s account that another hand had shut before the leaver protocol ran over it: %j',
    (state) => {
      const link = { shutByUs: 'leaver', passwordScrambled: true, foundShut: true } as const
      const world = new World({ leaver: leaving }).has('ann', { enabled: false, container: leavers, ...state }, link)
      const plan = world.plan(want('ann'))
      expect(plan.changes).toEqual([])
      expect(plan.notes).toMatchObject([{ kind: 'shut-by-another-hand', account: 'ann' }])
    },
  )

  it('until that hand has opened it: then it needs a new password, and is remembered as open', () => {
    const link = { shutByUs: 'leaver', passwordScrambled: true, foundShut: true } as const
    const plan = new World().has('ann', {}, link).plan(want('ann'))
    expect(kinds(plan)).toEqual(['issue-credential', 'enable'])
    expect(plan.notes).toEqual([])
  })

  it('so does one that is found by its key', () => {
    const world = new World()
    world.accounts = [account('ann', { enabled: false, attributes: { employeeNumber: ['ann'] } })]
    const plan = world.plan(want('ann'))
    expect(kinds(plan)).toEqual(['link'])
    expect(plan.changes).toMatchObject([{ address: `uid=ann,${staff}` }])
    expect(plan.notes).toHaveLength(1)
  })

  it('an account that expired by another hand stays so, and is reported', () => {
    const plan = new World().has('ann', { expiresAt: now - DAY }).plan(want('ann'))
    expect(plan.changes).toEqual([])
    expect(plan.notes[0]?.text).toContain('has expired')
  })

  it('the platform own lock after too many tries is nobody’s decision', () => {
    expect(new World().has('ann', { enabled: false, lockedOut: true }).plan(want('ann')).notes).toEqual([])
  })

  it('after a leave of absence the account is opened, and the password is still known', () => {
    expect(kinds(new World().has('ann', { enabled: false }, { shutByUs: 'suspend' }).plan(want('ann')))).toEqual([
      'enable',
    ])
  })

  it('at the first day of a joiner a password is handed over, and then the account is opened', () => {
    const world = new World().has('ann', { enabled: false }, { shutByUs: 'pre-hire' })
    expect(kinds(world.plan(want('ann')))).toEqual(['issue-credential', 'enable'])
  })

  it('a rehire gets a new password and the old place back, and the expiry of the shut door is lifted', () => {
    const world = new World({ leaver: leaving }).has(
      'ann',
      { enabled: false, container: leavers, expiresAt: now - DAY },
      { shutByUs: 'leaver', passwordScrambled: true },
    )
    const plan = world.plan(want('ann'))
    expect(kinds(plan)).toEqual(['move', 'expire', 'issue-credential', 'enable'])
    expect(plan.changes[0]).toMatchObject({ from: leavers, to: staff })
    world.apply(plan.changes)
    expect(world.plan(want('ann')).changes).toEqual([])
  })

  it('a rehire whose account was not moved stays where it is', () => {
    const world = new World({ leaver: leaving }).has(
      'ann',
      { enabled: false, container: 'ou=other' },
      { shutByUs: 'leaver' },
    )
    expect(kinds(world.plan(want('ann')))).toEqual(['enable'])
  })

  it('also where the leavers stand among everybody else', () => {
    const inside = `ou=gone,${staff}`
    const world = new World({ leaver: { ...leaving, container: inside } })
    world.has('ann', { enabled: false, container: inside }, { shutByUs: 'leaver' })
    expect(kinds(world.plan(want('ann')))).toEqual(['move', 'enable'])
  })

  it('a container for leavers that is everybody’s moves nobody', () => {
    const world = new World({ leaver: { ...leaving, container: staff } }).has('ann')
    expect(kinds(world.plan(want('ann')))).toEqual([])
  })

  it('what a broken-off rehire left behind is finished: the move, and the password', () => {
    const world = new World({ leaver: leaving }).has('ann', { container: leavers }, { passwordScrambled: true })
    expect(kinds(world.plan(want('ann')))).toEqual(['move', 'issue-credential'])
  })

  it('an account that somebody opened while we held it shut is ours no longer to open later', () => {
    const world = new World().has('ann', {}, { shutByUs: 'suspend' })
    world.apply(world.plan(want('ann')).changes)
    world.accounts = world.accounts.map((one) => ({ ...one, enabled: false }))
    const plan = world.plan(want('ann'))
    expect(plan).toMatchObject({ changes: [], notes: [{ kind: 'shut-by-another-hand' }] })
  })

  it('mode observe for creations does not keep those out who come back from leave', () => {
    const mode = { revoke: 'full', create: 'observe', attributes: 'observe', entitlements: 'observe' } as const
    const world = new World({ mode }).has('ann', { enabled: false }, { shutByUs: 'suspend' })
    world.has('bob', { enabled: false }, { shutByUs: 'pre-hire' })
    const plan = world.plan(want('ann'), want('bob'))
    expect(kinds(plan)).toEqual(['enable'])
    expect(stopped(plan)).toEqual(['observe issue-credential', 'observe enable'])
  })
})

describe('closing', () => {
  it('somebody on leave is shut out and keeps everything', () => {
    const world = new World().has('ann', { entitlements: ['crm', 'own'] })
    world.catalogue = [entry('crm', { members: 'exact' })]
    const plan = world.plan(suspended('ann', { gives: ['other'] }))
    expect(kinds(plan)).toEqual(['disable suspend'])
    world.apply(plan.changes)
    expect(world.plan(suspended('ann', { gives: ['other'] })).changes).toEqual([])
  })

  it('an account that is shut already is left as it is', () => {
    const plan = new World().has('ann', { enabled: false, expiresAt: now - DAY }).plan(suspended('ann'))
    expect(plan).toMatchObject({ changes: [], notes: [] })
  })

  it('a pre-hire whose account exists gets its entitlements, not its door', () => {
    const world = new World().has('ann', { enabled: false }, { shutByUs: 'pre-hire' })
    world.catalogue = [entry('crm')]
    expect(kinds(world.plan(preHire('ann', { gives: ['crm'] })))).toEqual(['grant crm'])
  })
})

describe('expiry', () => {
  it('a known end is written ahead, as the platform can hold it, and then it is quiet', () => {
    const world = new World().has('ann')
    const end = want('ann', { expiresAt: now + DAY + 1 })
    const plan = world.plan(end)
    expect(plan.changes).toEqual([expect.objectContaining({ kind: 'expire', from: null, to: now + DAY })])
    world.apply(plan.changes)
    expect(world.plan(end).changes).toEqual([])
  })

  it('nothing is written to an account that is shut: the same attribute may be what holds it', () => {
    const world = new World().has('ann', { enabled: false, expiresAt: now - DAY }, { shutByUs: 'suspend' })
    expect(world.plan(suspended('ann', { expiresAt: now + DAY })).changes).toEqual([])
  })

  it('an end that was taken back is taken away', () => {
    const plan = new World().has('ann', { expiresAt: now + DAY }).plan(want('ann'))
    expect(plan.changes).toEqual([expect.objectContaining({ kind: 'expire', from: now + DAY, to: null })])
  })
})

describe('shutting', () => {
  const gone = leaver('ann', { cleanup })

  it('a leaver: shut first, then moved and stripped', () => {
    const world = new World({ leaver: leaving }).has('ann', { entitlements: ['own', 'crm'] })
    const plan = world.plan(gone)
    expect(kinds(plan)).toEqual(['disable leaver', 'move', 'revoke crm', 'revoke own'])
    world.apply(plan.changes)
    expect(world.plan(gone)).toMatchObject({ changes: [], withheld: [], notes: [] })
  })

  it('the whole protocol also where another hand shut the account before', () => {
    expect(kinds(new World().has('ann', { enabled: false }).plan(leaver('ann')))).toEqual(['disable leaver'])
    expect(kinds(new World().has('ann', { enabled: false }, { shutByUs: 'suspend' }).plan(leaver('ann')))).toEqual([
      'disable leaver',
    ])
  })

  it('an account that was opened again by another hand is shut again', () => {
    expect(kinds(new World().has('ann', {}, { shutByUs: 'leaver' }).plan(leaver('ann')))).toEqual(['disable leaver'])
  })

  it('nothing is stripped before it is due', () => {
    const world = new World({ leaver: leaving }).has('ann', { entitlements: ['crm'] })
    expect(kinds(world.plan(leaver('ann')))).toEqual(['disable leaver'])
  })

  describe('an account is deleted', () => {
    const due = leaver('ann', { cleanup: { strip: 'none', keep: [], remove: true } })
    const monthly = { ...leaving, deleteAfter: 30 * DAY }
    const shutBefore = (ms: number, more: Partial<Link> = {}) =>
      new World({ leaver: monthly }).has('ann', { enabled: false }, { shutByUs: 'leaver', shutAt: now - ms, ...more })

    it('when that is due, counted from the shutting too', () => {
      expect(kinds(shutBefore(30 * DAY).plan(due))).toEqual(['delete'])
      expect(kinds(shutBefore(30 * DAY - 1).plan(due))).toEqual([])
    })

    it('never in the plan that shuts it, nor while another hand holds it open', () => {
      expect(kinds(new World({ leaver: monthly }).has('ann').plan(due))).toEqual(['disable leaver'])
      const opened = new World({ leaver: monthly }).has('ann', {}, { shutByUs: 'leaver', shutAt: now - 60 * DAY })
      expect(kinds(opened.plan(due))).toEqual(['disable leaver'])
    })

    it('never where nobody knows when it was shut, or nobody asked for it', () => {
      const unknown = new World({ leaver: monthly }).has('ann', { enabled: false }, { shutByUs: 'leaver' })
      expect(kinds(unknown.plan(due))).toEqual([])
      const never = new World({ leaver: leaving }).has(
        'ann',
        { enabled: false },
        { shutByUs: 'leaver', shutAt: now - 60 * DAY },
      )
      expect(kinds(never.plan(due))).toEqual([])
    })
  })

  it('what is kept is kept, even if it is exact', () => {
    const world = new World().has('ann', { enabled: false, entitlements: ['crm', 'mail'] }, { shutByUs: 'leaver' })
    world.catalogue = [entry('mail', { members: 'exact' }), entry('crm', { privileged: true })]
    const plan = world.plan(leaver('ann', { cleanup: { strip: 'all', keep: ['mail'] } }))
    expect(kinds(plan)).toEqual(['revoke crm'])
    expect(plan.changes[0]).toHaveProperty('privileged', true)
  })

  it('only ours, or nothing, where the configuration says so', () => {
    const world = new World().has(
      'ann',
      { enabled: false, entitlements: ['crm', 'own', 'exact'] },
      { shutByUs: 'leaver' },
    )
    world.catalogue = [entry('crm'), entry('own'), entry('exact', { members: 'exact' })]
    world.grants = [{ identity: 'hr:ann', platform: 'wiki', entitlement: 'crm', reason: gone.reason, grantedAt: now }]
    expect(kinds(world.plan(leaver('ann', { cleanup: { strip: 'ours', keep: [] } })))).toEqual([
      'revoke crm',
      'revoke exact',
    ])
    expect(kinds(world.plan(leaver('ann', { cleanup: { strip: 'none', keep: [] } })))).toEqual([])
  })

  it('a leaver in the right place is not moved', () => {
    const world = new World({ leaver: leaving }).has(
      'ann',
      { enabled: false, container: leavers },
      { shutByUs: 'leaver' },
    )
    expect(kinds(world.plan(gone))).toEqual([])
  })

  it('values that cannot be worked out keep no door open', () => {
    const broken = { fields: [field('title', 'no!')] }
    expect(kinds(new World().has('ann').plan(leaver('ann', broken)))).toEqual(['disable leaver'])
    expect(kinds(new World().has('ann').plan(suspended('ann', broken)))).toEqual(['disable suspend'])
  })
})
