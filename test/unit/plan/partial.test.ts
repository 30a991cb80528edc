import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DesiredAccount, ObservedAccount } from '../../../src/model/account.ts'
import { fingerprint } from '../../../src/model/change.ts'
import type { Change, Plan } from '../../../src/model/change.ts'
import type { IdentityId } from '../../../src/model/identity.ts'
import { KeyturnError } from '../../../src/model/errors.ts'
import { namesToCheck, possibleRivals, questionsOf, unseenReferences } from '../../../src/plan/index.ts'
import { place, platform } from '../policy/company.ts'
import { partialView, planPart } from './partial.ts'
import { company, desiredOf, keyOf, worldOf } from './sketch.ts'
import { account, calm, entry, field, grantOf, kinds, leaver, linkOf, stopped, want, World } from './world.ts'

const mail = (value: string, then: 'link' | 'propose' = 'propose') => ({ attribute: 'mail', value, then }) as const
const manager = (key: string) => field('manager', { accountOf: `hr:${key}` })

/** What a plan says of one person, for comparing. */
function share({ changes, withheld, notes, standby = [] }: Plan, identity: IdentityId): unknown {
  const own = (change: Change) => change.identity === identity
  return {
    changes: changes.filter(own).map(fingerprint),
    withheld: withheld.filter(({ change }) => own(change)).map(({ why, change }) => [why, fingerprint(change)]),
    notes: notes.filter((note) => note.identity === identity).map(({ kind, account: name }) => [kind, name]),
    standby: standby.filter(own).map(fingerprint),
  }
}

/** Whose key opens another account than the linked one: only a plan over everybody sees that. */
function withoutDisputes({ withheld, notes, ...plan }: Plan): Plan {
  return {
    ...plan,
    withheld: withheld.filter(({ why }) => why !== 'disputed'),
    notes: notes.filter(({ kind }) => kind !== 'disputed'),
  }
}

/** Native ids of accounts that no strong key of these people finds. */
function unfound(world: World, people: readonly DesiredAccount[]): ReadonlySet<string> {
  const strong = people.flatMap(({ matches }) => matches.filter(({ then, value }) => then === 'link' && value !== ''))
  const isFound = ({ attributes }: ObservedAccount) =>
    strong.some(({ attribute, value }) => attributes[attribute]?.includes(value) === true)
  return new Set(world.accounts.filter((one) => !isFound(one)).map(({ nativeId }) => nativeId))
}

const flags = fc.array(fc.boolean(), { minLength: 8, maxLength: 8 })
const mails = fc.array(fc.constantFrom('', '', 'a@x', 'b@x'), { minLength: 16, maxLength: 16 })

describe('a plan for a few people', () => {
  it('says for them what the plan for everybody says, or whom it cannot decide', () => {
    let decided = 0
    let undecided = 0
    fc.assert(
      fc.property(
        company,
        flags,
        mails,
        fc.constantFrom('link', 'propose'),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        (sketches, chosen, addresses, then, mostNames, asksForRivals) => {
          const world = worldOf(sketches)
          world.accounts = world.accounts.map((one, at) => ({
            ...one,
            attributes: { ...one.attributes, mail: [addresses[at] ?? ''] },
          }))
          const everybody = sketches.map((one, at): DesiredAccount => {
            const desired = desiredOf(one, at)
            const strong = desired.matches.length === 0 ? [] : [...desired.matches, mail(addresses[at + 8] ?? '', then)]
            return { ...desired, matches: strong }
          })
          const inside = new Set(everybody.filter((_, at) => chosen[at]).map(({ identity }) => identity))
          const people = everybody.filter(({ identity }) => inside.has(identity))
          const unrivalled = unfound(
            world,
            everybody.filter(({ identity }) => !inside.has(identity)),
          )
          const more = { mostNames, ...(asksForRivals ? { unrivalled } : {}) }
          // A name that only a plan would give to others is nobody's before it is admitted: here all are.
          const later = planPart(world, people, more).undecided ?? []
          const before = world.plan(...everybody)
          for (const change of [...before.changes, ...before.withheld.map((one) => one.change)]) {
            const isOthers = !inside.has(change.identity) || later.includes(change.identity)
            if (change.kind !== 'create' || !isOthers || change.desired.container === '') continue
            world.names.push({ platform: 'wiki', name: change.desired.name, identity: change.identity })
          }
          const whole = world.plan(...everybody)
          const part = planPart(world, people, more)
          const open = new Set(part.undecided)
          for (const { identity, state } of people) {
            const isLinked = world.links.some(
              (link) => link.identity === identity && world.accounts.some(({ nativeId }) => nativeId === link.nativeId),
            )
            if (state === 'shut' && isLinked) expect(open).not.toContain(identity)
            if (open.has(identity)) expect(share({ ...part, standby: [] }, identity)).toEqual(nothing)
            else expect(share(part, identity)).toEqual(share(isLinked ? withoutDisputes(whole) : whole, identity))
            if (open.has(identity)) undecided += 1
            else decided += 1
          }
          expect(part.changes.every(({ identity }) => inside.has(identity))).toBe(true)
        },
      ),
      { numRuns: 1_000 },
    )
    expect(decided).toBeGreaterThan(undecided)
    expect(undecided).toBeGreaterThan(100)
  })

  it('names the people outside in no way, and takes the size of the platform as it is given', () => {
    const world = new World().has('ann').has('bob')
    const plan = planPart(world, [leaver('ann')])
    expect(plan).toMatchObject({ population: { wiki: 1_000 }, undecided: [] })
    expect(kinds(plan)).toEqual(['disable leaver'])
    expect(world.plan(want('ann'))).not.toHaveProperty('undecided')
  })
})

const nothing = { changes: [], withheld: [], notes: [], standby: [] }

describe('a plan for a few people does not decide', () => {
  it('a name, where every candidate that was looked up is taken', () => {
    const world = new World().has('ann').has('ann2')
    const people = [want('1', { candidates: ['ann', 'ann2', 'ann3'] })]
    expect(planPart(world, people, { mostNames: 2 })).toMatchObject({ undecided: ['hr:1'], changes: [], withheld: [] })
    expect(planPart(world, people, { mostNames: 3 })).toMatchObject({ undecided: [], changes: [{ account: 'ann3' }] })
    expect(stopped(planPart(world, [want('1', { candidates: ['ann'] })]))).toEqual(['no-name create'])
  })

  it('whose account a strong key finds, where nobody has said that there is no rival', () => {
    const world = new World()
    world.accounts = [account('ann', { attributes: { employeeNumber: ['ann'] } })]
    expect(planPart(world, [want('ann')])).toMatchObject({ undecided: ['hr:ann'], changes: [], withheld: [] })
    const unrivalled = new Set(['id-ann'])
    expect(planPart(world, [want('ann')], { unrivalled })).toMatchObject({ undecided: [], changes: [{ kind: 'link' }] })
  })

  it('a proposal, since the account may be that of somebody outside by a strong key', () => {
    const world = new World()
    world.accounts = [account('x', { attributes: { mail: ['a@x'] } })]
    const people = [want('ann', { matches: [mail('a@x')] })]
    expect(planPart(world, people)).toMatchObject({ undecided: ['hr:ann'], changes: [], notes: [] })
    expect(planPart(world, people, { unrivalled: new Set(['id-x']) })).toMatchObject({
      undecided: [],
      notes: [{ kind: 'proposed' }],
    })
    world.links = [linkOf('x')]
    expect(planPart(world, people)).toMatchObject({ undecided: [], changes: [{ kind: 'create' }] })
  })

  it('whose key opens an account beside the linked one', () => {
    const world = new World().has('ann', { enabled: false }, { shutByUs: 'leaver', shutAt: 1 })
    world.accounts.push(account('evil', { attributes: { employeeNumber: ['ann', 'bob'] } }))
    expect(planPart(world, [leaver('ann'), leaver('bob')]).withheld).toEqual([])
  })

  it('whose linked account is gone', () => {
    const world = new World()
    world.links = [linkOf('ann')]
    const plan = planPart(world, [leaver('ann')])
    expect(plan).toMatchObject({ undecided: ['hr:ann'], notes: [] })
    // What is still on its way to somebody who left is shut all the same.
    expect(plan.standby).toHaveLength(1)
    world.accounts = [account('new', { attributes: { employeeNumber: ['ann'] } })]
    const sees = [leaver('ann'), want('new', { candidates: ['new'] })]
    expect(planPart(world, sees, { unrivalled: new Set(['id-new']) }).undecided).toContain('hr:ann')
  })

  it('who refers to somebody without an account, and in turn who refers to them', () => {
    const world = new World().has('joe')
    const people = [
      want('ann', { fields: [manager('bob')] }),
      want('bob', { fields: [manager('cid')] }),
      want('joe', { fields: [manager('out')] }),
    ]
    expect(planPart(world, people).undecided).toEqual(['hr:ann', 'hr:bob', 'hr:joe'])
    const cid = want('cid')
    const out = leaver('out', { matches: [] })
    const all = planPart(world, [...people, cid, out])
    expect(all.undecided).toEqual([])
    expect(all.changes.map(({ account: name, kind }) => `${kind} ${name}`)).toEqual([
      'create ann',
      'update ann',
      'create bob',
      'update bob',
      'create cid',
    ])
    const titled = want('tim', { fields: [field('title', 'Boss'), manager('ann')] })
    const gone = leaver('lea', { fields: [manager('far')] })
    expect([...unseenReferences([...people, titled, gone], world.links)]).toEqual(['hr:cid', 'hr:out'])
  })

  it('but shuts every linked account, whatever is unknown of others', () => {
    const world = new World().has('ann', { entitlements: ['crm'] })
    world.catalogue = [entry('crm', { members: 'exact' })]
    const cleanup = { strip: 'all', keep: [] } as const
    const ann = leaver('ann', { fields: [manager('out')], cleanup })
    expect(kinds(planPart(world, [ann], { mostNames: 0 }))).toEqual(['disable leaver', 'revoke crm'])
  })
})

describe('the questions for a plan of a few people', () => {
  it('of a linked person: only the account', () => {
    expect(questionsOf(want('ann'), linkOf('ann'), 8, [])).toEqual([{ nativeId: 'id-ann' }])
  })

  it('of somebody without an account: what their keys find, and who has the names that they may get', () => {
    const ann = want('ann', {
      candidates: ['Ann', 'ann2', 'ann3'],
      matches: [{ attribute: 'employeeNumber', value: '7', then: 'link' }, mail('a@x'), mail('')],
    })
    expect(questionsOf(ann, null, 2, ['old', 'ann'])).toEqual([
      {
        name: '',
        matches: [
          { attribute: 'employeeNumber', value: '7' },
          { attribute: 'mail', value: 'a@x' },
        ],
      },
      { name: 'old', matches: [] },
      { name: 'ann', matches: [] },
      { name: 'ann2', matches: [] },
    ])
    expect(namesToCheck(ann, 2)).toEqual(['ann', 'ann2'])
  })

  it('of whoever shall have no account: what strong keys find, and no names', () => {
    const matches = [{ attribute: 'employeeNumber', value: '7', then: 'link' } as const, mail('a@x')]
    const found = { name: '', matches: [{ attribute: 'employeeNumber', value: '7' }] }
    expect(questionsOf(leaver('ann', { matches }), null, 8, ['ann'])).toEqual([found])
    expect(questionsOf(leaver('ann', { matches: [] }), null, 8, ['ann'])).toEqual([])
  })

  it('ask for no name where the rules give no answer, and mistakes are thrown', () => {
    const failing = (error: Error) =>
      want('ann', {
        names: () => {
          throw error
        },
        attributes: () => {
          throw error
        },
      })
    const failed = failing(new KeyturnError('expression-failed', 'no such letter'))
    expect(namesToCheck(failed, 8)).toEqual([])
    expect([...unseenReferences([failed], [])]).toEqual([])
    expect(() => namesToCheck(failing(new Error('a mistake')), 8)).toThrow('a mistake')
  })

  it('name every rival whom a key may have, or say that only everybody can tell', () => {
    const byKey = platform('wiki')
    const ann = account('ann', { attributes: { employeeNumber: ['7', '8'], mail: ['a@x'] } })
    expect(possibleRivals(byKey, ['hr', 'guests'], ann)).toEqual(['hr:7', 'hr:8', 'guests:7', 'guests:8'])
    expect(possibleRivals(byKey, ['hr'], account('svc'))).toEqual([])
    const byMail = platform('wiki', { match: [{ account: 'mail', person: 'mail', then: 'link', place: place(1) }] })
    expect(possibleRivals(byMail, ['hr'], ann)).toBeNull()
  })
})

describe('the limit on removals over time', () => {
  const hour = 3_600_000
  const limited = (within: number, above = 2) => ({
    ...calm,
    limits: { default: { removals: { max: 0.1, above, within } } },
  })
  const lately = (...keys: readonly string[]) => new Set(keys.map((key) => `hr:${key}`))
  const three = () => new World().has('ann').has('bob').has('cid')

  it('counts what earlier plans took away, each account once, and says so', () => {
    const world = three()
    world.safety = limited(24 * hour)
    const people = [leaver('ann'), leaver('bob'), want('cid')]
    expect(world.plan(...people).removals).toEqual({ wiki: ['hr:ann', 'hr:bob'] })
    world.removedLately = lately('ann', 'bob')
    expect(stopped(world.plan(...people))).toEqual([])
    world.removedLately = lately('ann', 'old')
    world.links.push(linkOf('old', { shutByUs: 'leaver' }))
    const plan = world.plan(...people)
    expect(stopped(plan)).toEqual(['removals-limit disable', 'removals-limit disable'])
    expect(plan.removals).toEqual({})
    expect(plan.withheld[0]?.text).toBe(
      'wiki: 2 accounts would lose access after 1 within the last 1d, together 3 of 4 (75 %); the limit is 10 % above 2. Nothing was removed. Look with "keyturn holds show ID", release with "keyturn holds approve ID --reason TEXT".',
    )
  })

  it.each([
    [90 * 60_000, '90m'],
    [2 * hour, '2h'],
    [45_000, '45s'],
    [1_500, '1500ms'],
  ])('states its time: %i is %s', (within, text) => {
    const world = three()
    world.safety = limited(within, 0)
    world.removedLately = lately('old')
    expect(world.plan(leaver('ann')).withheld[0]?.text).toContain(`after 1 within the last ${text}, together 2 of 2`)
  })

  it('without a time each plan counts by itself', () => {
    const world = three()
    world.removedLately = lately('x', 'y', 'z')
    world.safety = limited(0)
    expect(stopped(world.plan(leaver('ann')))).toEqual([])
    world.safety = { ...calm, limits: { default: { removals: { max: 0.1, above: 2 } } } }
    expect(stopped(world.plan(leaver('ann')))).toEqual([])
    world.safety = limited(hour)
    expect(stopped(world.plan(leaver('ann')))).toEqual(['removals-limit disable'])
  })

  it('says how many more it would let pass, so that admission can count plans that were made side by side', () => {
    const world = three()
    world.safety = limited(hour, 4)
    world.removedLately = lately('x')
    const plan = world.plan(leaver('ann'), want('bob'))
    expect(plan.removalRoom).toEqual({ wiki: { since: plan.madeAt - hour, lately: 1, more: 2 } })
    expect(planPart(world, [leaver('ann')], { population: 99 }).removalRoom?.['wiki']?.more).toBe(7)
    world.safety = limited(0, 4)
    expect(world.plan(leaver('ann')).removalRoom).toEqual({})
  })

  it('holds back nothing of a plan that removes nothing', () => {
    const world = three()
    world.safety = limited(hour)
    world.removedLately = lately('x', 'y', 'z')
    world.grants = [grantOf('ann', 'crm')]
    expect(world.plan(want('ann'), want('bob'))).toMatchObject({ changes: [], withheld: [], removals: {} })
  })

  it('of a partial view takes the population as it is given', () => {
    const world = three()
    world.safety = limited(hour, 0)
    world.removedLately = lately('x', 'y')
    const [held] = planPart(world, [leaver('ann')], { population: 20 }).withheld
    expect(held?.text).toContain('together 3 of 20 (15 %)')
    expect(planPart(world, [leaver('ann')], { population: 30 }).removals).toEqual({ wiki: ['hr:ann'] })
  })

  it('counts against later plans who was shut, and not who only lost an entitlement', () => {
    const world = three()
    world.safety = limited(hour)
    world.accounts[1] = { ...(world.accounts[1] as ObservedAccount), entitlements: ['crm'] }
    world.grants = [grantOf('bob', 'crm')]
    const { changes, removals } = world.plan(leaver('ann'), want('bob', { entitlements: [] }))
    expect(changes.map(({ kind, account }) => `${kind} ${account}`)).toContain('revoke bob')
    expect(removals).toEqual({ wiki: ['hr:ann'] })
  })

  it('counts neither what a person released nor an emergency', () => {
    const world = three()
    world.safety = limited(hour, 0)
    const [change] = planPart(world, [leaver('ann')]).changes
    world.approved.add(fingerprint(change as Change))
    expect(world.plan(leaver('ann'), leaver('bob', { emergency: true })).removals).toEqual({})
  })
})

describe('a partial view', () => {
  it('holds of the platform only what concerns those people', () => {
    const world = worldOf([])
    world.has(keyOf(1)).has(keyOf(2))
    expect(partialView(world, [leaver(keyOf(1))]).observed.items.map(({ name }) => name)).toEqual([keyOf(1)])
  })
})
