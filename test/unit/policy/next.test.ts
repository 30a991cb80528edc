import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HeldRole } from '../../../src/model/account.ts'
import type { Identity } from '../../../src/model/identity.ts'
import { DAY } from '../../../src/model/instant.ts'
import type { Override } from '../../../src/model/running.ts'
import type { LeaverSettings, Settings, SourceSettings } from '../../../src/model/settings.ts'
import { compilePolicy, overruled } from '../../../src/policy/index.ts'
import { now, person, platform, role, settings } from './company.ts'

const mapping = [
  role('seller', { when: 'person.department == "Sales"', accounts: ['wiki'], entitlements: { wiki: ['crm'] } }),
  role('old', {
    when: 'person.title == "Old"',
    accounts: ['wiki', 'ad'],
    entitlements: { ad: ['files'] },
    linger: 9 * DAY,
  }),
]

function policyWith(
  leaver: Partial<LeaverSettings> = {},
  vanished: SourceSettings['vanished'] = { after: 5 * DAY, then: 'hold' },
) {
  const slow: LeaverSettings = { strip: 'all', keep: [], cleanupAfter: 0, deleteAfter: 'never', ...leaver }
  const base = settings(mapping, [platform('wiki', {}, { leaver: slow }), platform('ad')])
  const hr = base.sources['hr'] as SourceSettings
  return compilePolicy({ ...base, sources: { hr: { ...hr, vanished } } } satisfies Settings)
}

const policy = policyWith({ cleanupAfter: 7 * DAY, deleteAfter: 30 * DAY })
const next = (more: Partial<Identity>, held: readonly HeldRole[] = []) => policy.nextAt(person('1', more), held, now)
const lost = (lostAt: number | null): HeldRole => ({ identity: 'hr:1', role: 'old', since: 0, lostAt })

describe('when the clock changes something next', () => {
  it('is never, where no date lies ahead', () => {
    expect(next({})).toBeNull()
    expect(next({ next: { at: now, state: 'left' }, endsAt: now })).toBeNull()
  })

  it('is the next state, in the zone of the person', () => {
    expect(next({ state: 'pre-hire', next: { at: now + DAY, state: 'active' }, zone: 'Asia/Tokyo' })).toEqual({
      at: now + DAY,
      why: 'pre-hire becomes active',
      zone: 'Asia/Tokyo',
    })
  })

  it('is the end of an operator’s word', () => {
    const standing = (until: number | null) => ({
      emergency: false,
      words: [
        { kind: 'freeze', text: 'frozen by ann: inquiry', until },
        { kind: 'state', text: 'override by ann: dismissed', until: until === null ? null : until + DAY },
      ] as const,
    })
    expect(next({ override: standing(now + DAY) })).toMatchObject({
      at: now + DAY,
      why: "an operator's word ends (frozen by ann: inquiry)",
    })
    expect(next({ override: standing(null) })).toBeNull()
  })

  it('is the end of a role that lingers', () => {
    expect(next({}, [lost(now - 8 * DAY)])).toMatchObject({
      at: now + DAY,
      why: 'role old, which was lost, lingers no longer',
    })
    expect(next({}, [lost(now - 9 * DAY)])).toBeNull()
    expect(next({ attributes: { title: 'Old' } }, [lost(null)])).toBeNull()
  })

  it('is the clean-up, then the deletion, of whoever left', () => {
    const left = (days: number) => next({ state: 'left', leftAt: now - days * DAY })
    expect(left(0)).toMatchObject({ at: now + 7 * DAY, why: 'the clean-up on wiki is due' })
    expect(left(7)).toMatchObject({ at: now + 23 * DAY, why: 'the deletion on wiki is due' })
    expect(left(30)).toBeNull()
    expect(next({ state: 'left', leftAt: null, firstSeenAt: now - 6 * DAY })).toMatchObject({ at: now + DAY })
    expect(next({ leftAt: now })).toBeNull()
  })

  it('is the deletion later where the account was shut later', () => {
    const gone = person('1', { state: 'left', leftAt: now - 30 * DAY })
    const at = (shutAt: number | null) =>
      policy.nextAt(
        gone,
        [],
        now,
        () => true,
        () => shutAt,
      )
    expect(at(now - DAY)).toMatchObject({ at: now + 29 * DAY, why: 'the deletion on wiki is due' })
    expect(at(null)).toBeNull()
  })

  it('is no clean-up where nothing is linked', () => {
    const gone = person('1', { state: 'left', leftAt: now })
    expect(policy.nextAt(gone, [], now, (id) => id === 'ad')).toBeNull()
    expect(policy.nextAt(gone, [], now, (id) => id === 'wiki')).not.toBeNull()
  })

  it.each([
    ['hold', 'held'],
    ['suspend', 'suspended'],
  ] as const)('is the end of patience with a record that vanished: %s', (then, word) => {
    const strict = policyWith({}, { after: 5 * DAY, then })
    const at = (more: Partial<Identity>) => strict.nextAt(person('1', { vanishedAt: now - DAY, ...more }), [], now)
    expect(at({})).toMatchObject({ at: now + 4 * DAY, why: `the record vanished, and the person is ${word}` })
    expect(at({ vanishedAt: now - 5 * DAY })).toBeNull()
    expect(at({ state: 'left', leftAt: now - 9 * DAY })).toBeNull()
    expect(at({ source: 'gone' })).toBeNull()
  })

  it('is nothing of a record that vanished where that is to be ignored', () => {
    const patient = policyWith({}, { after: 5 * DAY, then: 'keep' })
    expect(patient.nextAt(person('1', { vanishedAt: now }), [], now)).toBeNull()
  })

  it('is an end at which only the accounts expire', () => {
    expect(next({ state: 'suspended', endsAt: now + DAY })).toMatchObject({
      at: now + DAY,
      why: 'a known end is reached, at which the accounts expire',
    })
    expect(next({ endsAt: now + DAY, next: { at: now + DAY, state: 'left' } })?.why).toBe('active becomes left')
  })

  it('is known also of a person for whom a rule gives no answer', () => {
    const broken = compilePolicy(
      settings([role('x', { when: 'person.title.substring(9) == "x"', accounts: ['wiki'] })]),
    )
    const leaving = person('1', { next: { at: now + DAY, state: 'left' } })
    expect(broken.desire(leaving, 'wiki', [], now).held).not.toBeNull()
    expect(broken.nextAt(leaving, [], now)).toMatchObject({ at: now + DAY })
  })
})

const day = fc.integer({ min: -40, max: 40 }).map((days) => now + days * DAY)
const date = fc.option(day)
const states = ['pre-hire', 'active', 'suspended', 'left', 'archived'] as const
const changes = fc.record({
  state: fc.constantFrom(...states),
  next: fc.option(fc.record({ at: day, state: fc.constantFrom(...states) })),
  startsAt: date,
  endsAt: date,
  accessEndsAt: date,
  leftAt: date,
  announcedAt: date,
  vanishedAt: date,
  held: fc.constantFrom(null, null, 'contradiction'),
  attributes: fc.record({ title: fc.constantFrom('', 'Old'), department: fc.constantFrom('Sales', 'IT') }),
})
const words: fc.Arbitrary<Override> = fc.record({
  id: fc.nat(9),
  identity: fc.constant('hr:1'),
  kind: fc.constant('state' as const),
  state: fc.constantFrom('active' as const, 'left' as const),
  emergency: fc.boolean(),
  until: date,
  reason: fc.constant('why'),
  operator: fc.constant('ann'),
  madeAt: fc.integer({ min: -40, max: 0 }).map((days) => now + days * DAY),
  endedAt: fc.constant(null),
})
const said = fc.array(
  fc
    .tuple(words, fc.boolean())
    .map(([word, isFreeze]): Override => (isFreeze ? { ...word, kind: 'freeze', state: null } : word)),
  { maxLength: 3 },
)
const leavers = fc.record({
  cleanupAfter: fc.integer({ min: 0, max: 20 }).map((days) => days * DAY),
  deleteAfter: fc.option(
    fc.integer({ min: 0, max: 40 }).map((days) => days * DAY),
    { nil: 'never' as const },
  ),
})

/** Everything that the clock can change in what somebody should have. */
function desires(made: typeof policy, identity: Identity, held: readonly HeldRole[], at: number): unknown {
  return ['wiki', 'ad'].map((id) => {
    const desired = made.desire(identity, id, held, at)
    const { state, create, entitlements, cleanup, expiresAt, backlog, frozen, emergency } = desired
    return { state, create, entitlements, cleanup, expiresAt, backlog, frozen, emergency, why: desired.held }
  })
}

describe('until the clock changes something', () => {
  it('everything stays as it is, and then something differs, or a date that others evaluate is reached', () => {
    fc.assert(
      fc.property(
        changes,
        said,
        leavers,
        fc.option(day),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (more, overrides, leaver, lostAt, share) => {
          const made = policyWith(leaver)
          const source = person('1', more)
          const identity = overruled(source, overrides, now)
          const held = made.heldRoles(identity, lostAt === null ? [] : [lost(Math.min(lostAt, now))], now)
          const change = made.nextAt(identity, held, now)
          const before = desires(made, identity, held, now)
          const at = change?.at ?? now + 4_000 * DAY
          expect(at).toBeGreaterThan(now)
          for (const moment of [now + 1, now + Math.floor(share * (at - now - 1)), at - 1]) {
            expect(desires(made, overruled(source, overrides, moment), held, moment)).toEqual(before)
          }
          if (change === null || /becomes|word|vanished|expire/.test(change.why)) return
          expect(desires(made, overruled(source, overrides, at), held, at)).not.toEqual(before)
        },
      ),
      { numRuns: 2_000 },
    )
  })
})
