import { describe, expect, it } from 'vitest'
import { DAY } from '../../../src/model/instant.ts'
import { compilePolicy } from '../../../src/policy/index.ts'
import { now, person, role, settings } from './company.ts'

const mapping = [
  role('seller', {
    when: 'person.department == "Sales"',
    accounts: ['wiki'],
    entitlements: { wiki: ['crm'] },
    includes: ['base'],
    linger: 14 * DAY,
  }),
  role('base', { when: 'false', entitlements: { wiki: ['staff'] } }),
  role('author', { when: 'person.department == "Press"', entitlements: { wiki: ['crm', 'press'] }, linger: 2 * DAY }),
]
const policy = compilePolicy(settings(mapping))
const seller = person('1')
const mover = person('1', { attributes: { department: 'IT' } })

describe('roles that linger', () => {
  it('only roles with a time to linger are stored, from when they were first held', () => {
    const [first, ...others] = policy.heldRoles(seller, [], now)
    expect(others).toEqual([])
    expect(first).toEqual({ identity: 'hr:1', role: 'seller', since: now, lostAt: null })
    expect(policy.heldRoles(seller, [first as never], now + DAY)).toEqual([first])
  })

  it('a mover keeps a lost role, its account and what it includes until the time is over', () => {
    const held = policy.heldRoles(mover, policy.heldRoles(seller, [], now - 30 * DAY), now)
    expect(held).toEqual([{ identity: 'hr:1', role: 'seller', since: now - 30 * DAY, lostAt: now }])
    const until = now + 14 * DAY
    expect(policy.assignments(mover, held, until - 1).map((one) => [one.role, one.until])).toEqual([
      ['seller', until],
      ['base', until],
    ])
    const desired = policy.desire(mover, 'wiki', held, until - 1)
    expect(desired).toMatchObject({ state: 'open' })
    expect(desired.entitlements.map((one) => [one.name, one.until])).toEqual([
      ['crm', until],
      ['staff', until],
    ])
    expect(desired.reason.text).toBe('role seller, lost but lingering')
  })

  it('and then loses it, and it is forgotten', () => {
    const held = [{ identity: 'hr:1', role: 'seller', since: now - 30 * DAY, lostAt: now - 14 * DAY }]
    expect(policy.heldRoles(mover, held, now - 1)).toEqual(held)
    expect(policy.heldRoles(mover, held, now)).toEqual([])
    expect(policy.assignments(mover, held, now)).toEqual([])
    expect(policy.desire(mover, 'wiki', held, now).state).toBe('shut')
  })

  it('a role that was lost this moment lingers although nobody has stored that it was lost', () => {
    const held = [{ identity: 'hr:1', role: 'seller', since: now - DAY, lostAt: null }]
    expect(policy.assignments(mover, held, now).map((one) => one.until)).toEqual([now + 14 * DAY, now + 14 * DAY])
  })

  it('somebody who comes back while it lingers holds it without an end', () => {
    const held = [{ identity: 'hr:1', role: 'seller', since: now - 30 * DAY, lostAt: now - DAY }]
    expect(policy.heldRoles(seller, held, now)).toEqual([{ ...held[0], lostAt: null }])
    expect(policy.assignments(seller, held, now)[0]).not.toHaveProperty('until')
  })

  it('of two lingering roles that give the same, the later end counts', () => {
    const held = [
      { identity: 'hr:1', role: 'author', since: now - 30 * DAY, lostAt: now },
      { identity: 'hr:1', role: 'seller', since: now - 30 * DAY, lostAt: now },
    ]
    const ends = policy.desire(mover, 'wiki', held, now).entitlements.map((one) => [one.name, one.until])
    expect(ends).toContainEqual(['crm', now + 14 * DAY])
    expect(ends).toContainEqual(['press', now + 2 * DAY])
  })

  it('a role that the configuration no longer has does not linger', () => {
    const held = [{ identity: 'hr:1', role: 'gone', since: now - 30 * DAY, lostAt: null }]
    expect(policy.heldRoles(mover, held, now)).toEqual([])
    expect(policy.assignments(mover, held, now)).toEqual([])
  })

  it('nothing lingers for a leaver, and nothing moves for a person who is held', () => {
    const held = [{ identity: 'hr:1', role: 'seller', since: now - DAY, lostAt: null }]
    expect(policy.heldRoles(person('1', { state: 'left' }), held, now)).toEqual([])
    expect(policy.assignments(person('1', { state: 'left' }), held, now)).toEqual([])
    expect(policy.heldRoles({ ...mover, held: 'dates contradict each other' }, held, now)).toBe(held)
  })
})
