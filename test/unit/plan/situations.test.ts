import { describe, expect, it } from 'vitest'
import type { DesiredAccount } from '../../../src/model/account.ts'
import { surveyAccounts } from '../../../src/plan/index.ts'
import { account, entry, field, kinds, leaver, linkOf, now, stopped, suspended, want, World } from './world.ts'

const zero = { linked: 0, unlinked: 0, unmatched: 0, disputed: 0, missing: 0, absent: 0 }
const byMail = (value: string) => ({ attribute: 'mail', value, then: 'propose' }) as const
const byNumber = (value: string) => ({ attribute: 'employeeNumber', value, then: 'link' }) as const

/** An account that carries an employee number and is linked to nobody. */
const found = (name: string, number: string, more = {}) =>
  account(name, { attributes: { employeeNumber: [number] }, ...more })

describe('situations', () => {
  it('linked and as desired: nothing to do', () => {
    const world = new World().has('ann')
    const plan = world.plan(want('ann'))
    expect(plan).toMatchObject({ changes: [], withheld: [], notes: [], population: { wiki: 1 } })
    expect(plan.situations).toEqual({ wiki: { ...zero, linked: 1 } })
  })

  it('absent: the account is made, shut for somebody who has not begun', () => {
    const plan = new World().plan(want('ann', { candidates: ['ann.a'], expiresAt: 5_500 }))
    expect(plan.changes).toEqual([
      expect.objectContaining({
        kind: 'create',
        identity: 'hr:ann',
        account: 'ann.a',
        target: { creates: 'hr:ann' },
        desired: { name: 'ann.a', container: 'ou=people,dc=example', enabled: true, attributes: {}, expiresAt: 5_000 },
      }),
    ])
    expect(plan.situations['wiki']).toEqual({ ...zero, absent: 1 })
    const closed = new World().plan(want('bob', { state: 'closed', lifecycle: 'pre-hire' }))
    expect(closed.changes[0]).toMatchObject({ kind: 'create', desired: { enabled: false } })
  })

  it('absent and not wanted: nothing at all', () => {
    const plan = new World().plan(suspended('ann'), leaver('bob'))
    expect(plan).toMatchObject({ changes: [], withheld: [], notes: [] })
  })

  it('unlinked: one account by a strong key is linked, and its differences follow', () => {
    const world = new World()
    world.accounts = [found('old.name', 'ANN')]
    world.catalogue = [entry('crm')]
    const plan = world.plan(want('ann', { gives: ['crm'] }))
    expect(kinds(plan)).toEqual(['link', 'grant crm'])
    expect(plan.changes[0]).toMatchObject({ target: { nativeId: 'id-old.name' }, by: 'employeeNumber "ann"' })
    expect(plan).toMatchObject({ situations: { wiki: { ...zero, unlinked: 1 } }, population: { wiki: 1 } })
  })

  it('unmatched: accounts of nobody are counted and never touched', () => {
    const world = new World()
    world.accounts = [found('svc', '77'), account('by-hand', { entitlements: ['crm'] })]
    world.catalogue = [entry('crm', { members: 'exact' })]
    const plan = world.plan()
    expect(plan).toMatchObject({ changes: [], withheld: [], notes: [] })
    expect(plan.situations['wiki']).toEqual({ ...zero, unmatched: 2 })
  })

  it('people who left are found by strong keys and never by weak ones', () => {
    const world = new World()
    world.accounts = [found('ann', '1'), account('bob', { attributes: { mail: ['bob@x'] } })]
    const plan = world.plan(leaver('1'), leaver('2', { matches: [byMail('bob@x')] }))
    expect(kinds(plan)).toEqual(['link', 'disable leaver'])
    expect(plan.notes).toEqual([])
  })

  it('disputed: several accounts for one person', () => {
    const world = new World()
    world.accounts = [found('ann', '1'), account('ann2', { attributes: { mail: ['ann@x'] } })]
    const plan = world.plan(want('1', { matches: [byNumber('1'), { ...byMail('ann@x'), then: 'link' }] }))
    expect(plan.changes).toEqual([])
    expect(stopped(plan)).toEqual(['disputed link', 'disputed link'])
    expect(plan.withheld.map(({ change }) => change.target)).toEqual([{ nativeId: 'id-ann' }, { nativeId: 'id-ann2' }])
    expect(plan.notes).toMatchObject([{ kind: 'disputed' }])
    expect(plan.situations['wiki']).toEqual({ ...zero, disputed: 2 })
  })

  it('disputed accounts are shown in the same order, however the platform listed them', () => {
    const accounts = ['a', 'b', 'c'].map((name) => found(name, '1'))
    for (const listed of [accounts, accounts.toReversed()]) {
      const world = new World()
      world.accounts = listed
      expect(world.plan(want('1')).withheld[0]?.text).toContain('hr:1 matches 3 accounts: a (')
    }
  })

  it('two keys that find the same account agree', () => {
    const world = new World()
    world.accounts = [account('ann', { attributes: { employeeNumber: ['1'], mail: ['ann@x'] } })]
    const plan = world.plan(want('1', { matches: [{ ...byMail('ann@x'), then: 'link' }, byNumber('1')] }))
    expect(plan.changes).toMatchObject([{ kind: 'link', by: 'mail "ann@x"' }])
  })

  it('disputed: one account for several people, even when one of them has left', () => {
    const world = new World()
    world.accounts = [found('ann', '7')]
    const plan = world.plan(want('a', { matches: [byNumber('7')] }), leaver('b', { matches: [byNumber('7')] }))
    expect(stopped(plan)).toEqual(['disputed link', 'disputed link'])
    expect(plan.withheld[0]?.text).toContain('ann matches 2 people by employeeNumber "7": hr:a, hr:b')
    expect(plan.withheld[0]?.text).toContain('keyturn adopt wiki')
    expect(plan.situations['wiki']).toEqual({ ...zero, disputed: 1 })
  })

  it('disputed: the account is linked to somebody else already', () => {
    const world = new World().has('ann', { attributes: { employeeNumber: ['2'] } })
    const plan = world.plan(want('ann'), want('2'))
    expect(plan.changes).toEqual([])
    expect(plan.withheld.map(({ why, text }) => [why, text])).toEqual([
      [
        'disputed',
        'ann matches hr:2 by employeeNumber "2", but it is linked to hr:ann. What is linked stays theirs: correct the key of hr:2 in the feed, or "match" of wiki in the configuration.',
      ],
    ])
    expect(plan.withheld[0]?.change).toMatchObject({ kind: 'link', account: 'ann', by: 'employeeNumber "2"' })
    expect(plan.situations['wiki']).toEqual({ ...zero, linked: 1 })
  })

  it('an account that is linked to somebody else is no matter of whoever shall be given none', () => {
    const people = [leaver('2'), leaver('2', { lifecycle: 'active' }), suspended('2')]
    for (const person of people) {
      const world = new World().has('ann', { attributes: { employeeNumber: ['2'] } })
      expect(world.plan(want('ann'), person)).toMatchObject({ changes: [], withheld: [], notes: [] })
    }
  })

  it('nor where their own account was deleted: that is told, and no more', () => {
    const world = new World().has('ann', { attributes: { employeeNumber: ['2'] } })
    world.links.push(linkOf('2'))
    expect(world.plan(want('ann'), leaver('2'))).toMatchObject({ withheld: [], notes: [{ kind: 'missing' }] })
  })

  it('disputed: beside an account of somebody else stands one that may be the leaver’s', () => {
    const world = new World().has('ann', { attributes: { employeeNumber: ['2'] } })
    world.accounts.push(found('ann2', '2'))
    for (const person of [want('2'), leaver('2')]) {
      const plan = world.plan(want('ann'), person)
      expect(stopped(plan)).toEqual(['disputed link'])
      expect(plan.withheld[0]?.change).toMatchObject({ account: 'ann2' })
      expect(plan.withheld[0]?.text).toBe(
        'hr:2 matches 2 accounts: ann (employeeNumber "2", linked to hr:ann), ann2 (employeeNumber "2"). Say whose it is with "keyturn adopt wiki", or correct the key.',
      )
      expect(plan.situations['wiki']).toEqual({ ...zero, linked: 1, disputed: 1 })
    }
  })

  it('disputed: a leaver’s key opens another account than the linked one, which is told and left as it is', () => {
    const shut = { shutByUs: 'leaver', shutAt: 1 } as const
    for (const [person, more] of [
      [leaver('ann'), {}],
      [suspended('ann'), {}],
      [leaver('ann'), { enabled: false, lockedOut: true }],
    ] as const) {
      const world = new World().has('ann', { enabled: false }, shut)
      world.accounts.push(found('evil', 'ANN', more), found('svc', '77'))
      const plan = world.plan(person)
      expect(plan.changes).toEqual([])
      expect(plan.withheld).toMatchObject([
        { why: 'disputed', change: { kind: 'link', account: 'evil', target: { nativeId: 'id-evil' } } },
      ])
      expect(plan.withheld[0]?.text).toBe(
        'evil is another account with a key of hr:ann (employeeNumber "ann"), who is linked to ann. Keyturn touches the linked one only, and this one is open: shut evil by hand, or take that key from it.',
      )
      expect(plan.situations['wiki']).toEqual({ ...zero, linked: 1, disputed: 1, unmatched: 1 })
    }
  })

  it('such an account that nobody can sign in with is no matter, and one of somebody who works here is a note', () => {
    const world = new World().has('ann')
    world.accounts.push(found('gone', 'ann', { enabled: false }), found('expired', 'ann', { expiresAt: now }))
    expect(world.plan(leaver('ann')).withheld).toEqual([])
    expect(world.plan(want('ann'))).toMatchObject({ withheld: [], notes: [] })
    world.accounts.push(found('second', 'ann', { expiresAt: now + 1 }))
    expect(world.plan(want('ann'))).toMatchObject({ changes: [], withheld: [], notes: [{ kind: 'disputed' }] })
    expect(world.plan(want('ann')).notes[0]?.text).toContain('take that key from second, or shut it by hand when')
  })

  it('and the linked one is shut all the same', () => {
    const world = new World().has('ann')
    world.accounts.push(found('evil', 'ann'))
    const plan = world.plan(leaver('ann'))
    expect(plan.changes).toMatchObject([{ kind: 'disable', target: { nativeId: 'id-ann' } }])
    expect(stopped(plan)).toEqual(['disputed link'])
  })

  it('disputed: all of several accounts are linked to others', () => {
    const world = new World()
    for (const key of ['ann', 'bob']) world.has(key, { attributes: { employeeNumber: ['2'] } })
    const plan = world.plan(want('ann'), want('bob'), want('2'))
    expect(stopped(plan)).toEqual(['disputed link', 'disputed link'])
    expect(plan.withheld[0]?.text).toContain('bob (employeeNumber "2", linked to hr:bob). What is linked stays theirs')
    expect(world.plan(want('ann'), want('bob'), leaver('2')).withheld).toEqual([])
  })

  it('proposed: a weak match makes no second account and links nothing', () => {
    const world = new World()
    world.accounts = [account('ann', { attributes: { mail: ['Ann@X', 'ann@x'] } })]
    world.catalogue = [entry('crm')]
    const plan = world.plan(want('1', { matches: [byNumber('1'), byMail(''), byMail('ann@x')], gives: ['crm'] }))
    expect(plan.changes).toEqual([])
    expect(stopped(plan)).toEqual(['proposed create', 'proposed grant'])
    expect(plan.withheld[0]?.text).toContain('hr:1 may be the owner of ann (mail "ann@x")')
    expect(plan.notes).toMatchObject([{ kind: 'proposed', identity: 'hr:1' }])
  })

  it('proposed for somebody on leave: a note only', () => {
    const world = new World()
    world.accounts = [account('ann', { attributes: { mail: ['ann@x'] } })]
    const plan = world.plan(suspended('1', { matches: [byMail('ann@x')] }))
    expect(plan).toMatchObject({ changes: [], withheld: [], notes: [{ kind: 'proposed' }] })
  })

  it('nothing is proposed of accounts that are linked, or that a strong key says are others', () => {
    const world = new World().has('ann', { attributes: { mail: ['team@x'] } })
    world.accounts.push(account('bob', { attributes: { mail: ['team@x'], employeeNumber: ['2'] } }))
    const plan = world.plan(want('1', { matches: [byMail('team@x')] }), want('2'), want('ann'))
    expect(kinds(plan)).toEqual(['create', 'link'])
    expect(plan.notes).toEqual([])
  })

  it('missing: an account that another hand deleted is not made again before somebody releases it', () => {
    const world = new World()
    world.links = [linkOf('ann')]
    world.names = [{ platform: 'wiki', name: 'ann', identity: 'hr:ann' }]
    const plan = world.plan(want('ann'))
    expect(stopped(plan)).toEqual(['account-deleted create'])
    expect(plan.withheld[0]?.text).toContain('ann of hr:ann was deleted on wiki by another hand')
    expect(plan).toMatchObject({ notes: [{ kind: 'missing' }], population: { wiki: 0 } })
    expect(plan.situations['wiki']).toEqual({ ...zero, missing: 1 })
  })

  it('missing, and nobody needs it: a note', () => {
    const world = new World()
    world.links = [linkOf('ann')]
    const plan = world.plan(leaver('ann'))
    expect(plan).toMatchObject({ changes: [], withheld: [], notes: [{ kind: 'missing' }] })
  })

  it('missing, but a strong key finds another: it was made again, and is linked', () => {
    const world = new World()
    world.links = [linkOf('ann')]
    world.accounts = [found('ann.new', 'ann')]
    expect(kinds(world.plan(want('ann')))).toEqual(['link'])
  })

  it('an account may hold several values, compared as the platform compares', () => {
    const world = new World()
    world.accounts = [account('ann', { attributes: { mail: ['x@y', 'ANN@x'] } }), account('none')]
    const plan = world.plan(want('1', { matches: [{ ...byMail('ann@X'), then: 'link' }] }))
    expect(kinds(plan)).toEqual(['link'])
  })
})

describe('names', () => {
  it('skip those of existing accounts, however they are written, and those ever claimed', () => {
    const world = new World()
    world.accounts = [account('Ann')]
    world.names = [{ platform: 'wiki', name: 'ann2', identity: 'hr:gone' }]
    const plan = world.plan(want('1', { candidates: ['ann', 'ann2', 'ann3'] }))
    expect(plan.changes[0]).toMatchObject({ kind: 'create', account: 'ann3' })
  })

  it('of a linked account that was deleted are its owner’s, and nobody else’s', () => {
    const world = new World()
    world.links = [linkOf('2', { name: 'Ann' })]
    const [stranger, owner] = ['1', '2'].map((key) => want(key, { candidates: ['ann', 'ann2'] })) as [
      DesiredAccount,
      DesiredAccount,
    ]
    const plan = world.plan(stranger, owner)
    expect(plan.changes[0]).toMatchObject({ identity: 'hr:1', account: 'ann2' })
    expect(plan.withheld[0]).toMatchObject({ why: 'account-deleted', change: { account: 'ann' } })
  })

  it('two people of one name get different ones, in key order', () => {
    const people = ['1', '2'].map((key) => want(key, { candidates: ['ann', 'ann2'] }))
    expect(new World().plan(...people).changes.map(({ account: name }) => name)).toEqual(['ann', 'ann2'])
  })

  it('an own earlier claim is used again', () => {
    const world = new World()
    world.names = ['b-ann', 'a-ann'].map((name) => ({ platform: 'wiki', name, identity: 'hr:1' }))
    expect(world.plan(want('1', { candidates: ['ann'] })).changes[0]).toMatchObject({ account: 'a-ann' })
  })

  it('none is given that belongs to protected accounts', () => {
    const world = new World()
    world.safety = { ...world.safety, protected: ['SVC-*'] }
    expect(world.plan(want('1', { candidates: ['svc-1', 'ann'] })).changes[0]).toMatchObject({ account: 'ann' })
  })

  it('without a free candidate the create is shown and held back', () => {
    const world = new World()
    world.accounts = [account('ann')]
    const plan = world.plan(want('1', { candidates: ['ann'] }))
    expect(stopped(plan)).toEqual(['no-name create'])
    expect(plan.withheld[0]?.text).toBe(
      'No free name for hr:1 on wiki: every candidate (ann) is taken. Add one to "name" in the configuration, such as one that uses n.',
    )
  })

  it('where protected names are in the way, it says so: a number behind one helps nobody', () => {
    const world = new World()
    world.safety = { ...world.safety, protected: ['svc-*'] }
    world.accounts = [account('ann')]
    const textOf = (candidates: readonly string[]) => world.plan(want('1', { candidates })).withheld[0]?.text
    expect(textOf(['svc-a', 'svc-b', 'SVC-c', 'svc-d'])).toContain(
      '(svc-a, svc-b, SVC-c, …) is matched by safety.protected. Change that pattern, or add one to "name" that it does',
    )
    expect(textOf(['ann', 'svc-a'])).toContain(
      '(ann, svc-a) is taken or matched by safety.protected. Add one to "name"',
    )
  })

  it('an account under a claimed name is not doubled where no strong key could tell whose it is', () => {
    const world = new World()
    world.names = [{ platform: 'wiki', name: 'ann', identity: 'hr:1' }]
    world.accounts = [account('ann')]
    const without = world.plan(want('1', { candidates: ['ann', 'ann2'], matches: [] }))
    expect(stopped(without)).toEqual(['disputed create'])
    expect(without.withheld[0]?.text).toContain('ann on wiki stands under the name that was claimed for hr:1')
    expect(world.plan(want('1', { candidates: ['ann', 'ann2'] })).changes[0]).toMatchObject({ account: 'ann2' })
    expect(world.plan(want('2', { candidates: ['bob'], matches: [] })).changes[0]).toMatchObject({ account: 'bob' })
  })
})

describe('survey of existing accounts', () => {
  it('says of each account whose it is, or would be, and by which key', () => {
    const world = new World().has('ann')
    world.accounts.push(
      found('disputed', '7'),
      found('bob', '2'),
      account('maybe', { attributes: { mail: ['m@x'] } }),
      account('orphan'),
    )
    const people = [
      want('ann'),
      want('2', { fields: [field('title', 'x')] }),
      want('a', { matches: [byNumber('7')] }),
      want('b', { matches: [byNumber('7')] }),
      want('c', { matches: [byMail('m@x')] }),
      want('d', { matches: [byMail('m@x')] }),
    ]
    expect(
      surveyAccounts(world.view(), people).map(({ account: { name }, situation, people: whose, by }) => [
        name,
        situation,
        whose,
        by,
      ]),
    ).toEqual([
      ['ann', 'linked', ['hr:ann'], null],
      ['bob', 'unlinked', ['hr:2'], 'employeeNumber "2"'],
      ['disputed', 'disputed', ['hr:a', 'hr:b'], expect.stringContaining('matches 2 people')],
      ['maybe', 'unmatched', ['hr:c', 'hr:d'], 'mail "m@x"'],
      ['orphan', 'unmatched', [], null],
    ])
  })

  it('says whose key an account carries whose owner has another one', () => {
    const world = new World().has('ann')
    world.accounts.push(found('evil', 'ann', { enabled: false }))
    expect(surveyAccounts(world.view(), [leaver('ann'), leaver('bob')])).toMatchObject([
      { situation: 'linked', by: null },
      {
        situation: 'disputed',
        people: ['hr:ann'],
        by: 'evil is another account with a key of hr:ann (employeeNumber "ann"), who is linked to ann. Keyturn touches the linked one only.',
      },
    ])
  })

  it('says of a linked account for whom its key stands in the way', () => {
    const world = new World().has('ann', { attributes: { employeeNumber: ['2'] } })
    const surveyed = surveyAccounts(world.view(), [want('2'), want('3', { matches: [byNumber('2')] }), leaver('4')])
    expect(surveyed).toMatchObject([{ situation: 'linked', people: ['hr:ann'] }])
    expect(surveyed[0]?.by).toMatch(/^ann matches hr:2 by .* correct the key of hr:2 .*\. ann matches hr:3 by /)
  })
})
