import { describe, expect, it } from 'vitest'
import { DAY } from '../../../src/model/instant.ts'
import type { Identity } from '../../../src/model/identity.ts'
import { compilePolicy } from '../../../src/policy/index.ts'
import { now, person, place, platform, role, settings } from './company.ts'

const mapping = [
  role('seller', { when: 'person.department == "Sales"', accounts: ['wiki'], entitlements: { wiki: ['crm'] } }),
]
const policy = compilePolicy(settings(mapping))
const desire = (more: Partial<Identity>) => policy.desire(person('1', more), 'wiki', [], now)
const elsewhere = { attributes: { department: 'IT' } }

describe('lifecycle', () => {
  it('an active person has an open account, for the reason of the role', () => {
    expect(desire({})).toMatchObject({
      identity: 'hr:1',
      key: '1',
      platform: 'wiki',
      lifecycle: 'active',
      state: 'open',
      create: true,
      cleanup: null,
      held: null,
      backlog: false,
      announced: false,
      reason: { text: 'role seller', place: place(12) },
    })
  })

  it('a pre-hire has a closed account with its entitlements', () => {
    const desired = desire({ state: 'pre-hire' })
    expect(desired).toMatchObject({ state: 'closed', create: true })
    expect(desired.entitlements.map(({ name }) => name)).toEqual(['crm'])
  })

  it('a suspended person has a closed account, and none is made', () => {
    const desired = desire({ state: 'suspended' })
    expect(desired).toMatchObject({ state: 'closed', create: false, reason: { text: 'Status "Active"' } })
    expect(desired.matches).toHaveLength(2)
  })

  it('a suspended person whom no role gives an account keeps a linked one closed, and no other is looked for', () => {
    expect(desire({ state: 'suspended', ...elsewhere })).toMatchObject({ state: 'closed', create: false, matches: [] })
  })

  it.each(['left', 'archived'] as const)('%s: shut, for the reason of the source row, with no entitlement', (state) => {
    const desired = desire({ state, leftAt: now - DAY })
    expect(desired).toMatchObject({
      state: 'shut',
      create: false,
      entitlements: [],
      reason: { place: { file: 'people.csv' } },
    })
    expect(desired.matches[0]).toMatchObject({ attribute: 'employeeNumber', value: '1', then: 'link' })
  })

  it('a person whom no role gives an account: shut if linked, and nothing is looked for', () => {
    const desired = desire(elsewhere)
    expect(desired).toMatchObject({ state: 'shut', create: false, matches: [], entitlements: [] })
    expect(desired.reason.text).toBe('no role gives an account on wiki any more')
  })

  it('a person who is held carries the reason', () => {
    expect(desire({ held: 'it ends before it starts' }).held).toBe('it ends before it starts')
  })

  it('a role may give an account without any entitlement', () => {
    const bare = compilePolicy(settings([role('guest', { accounts: ['wiki'] })]))
    expect(bare.desire(person('1'), 'wiki', [], now)).toMatchObject({ state: 'open', entitlements: [] })
  })

  it.each([
    ['who left before Keyturn came', { state: 'left', leftAt: now - 900 * DAY, leftBeforeFirstSeen: true }, true],
    ['who left before, nobody knows when', { state: 'archived', leftAt: null, leftBeforeFirstSeen: true }, true],
    ['who was hired again', { leftBeforeFirstSeen: true }, false],
    ['who was hired again and left once more', { state: 'left', leftAt: now, leftBeforeFirstSeen: true }, false],
    ['who left today', { state: 'left', leftAt: now }, false],
  ] as const)('is a person backlog %s', (_, more, expected) => {
    expect(desire(more).backlog).toBe(expected)
  })
})

describe('clean-up', () => {
  const leaver = {
    strip: 'all',
    keep: ['mail'],
    cleanupAfter: 7 * DAY,
    deleteAfter: 'never',
    container: 'ou=left',
  } as const
  const slow = compilePolicy(settings(mapping, [platform('wiki', {}, { leaver })]))
  const cleanup = (more: Partial<Identity>) => slow.desire(person('1', more), 'wiki', [], now).cleanup

  it('is due from the day after which it was asked for, and not before', () => {
    expect(cleanup({ state: 'left', leftAt: now - 7 * DAY })).toEqual({
      strip: 'all',
      keep: ['mail'],
      container: 'ou=left',
    })
    expect(cleanup({ state: 'left', leftAt: now - 7 * DAY + 1 })).toBeNull()
  })

  it('counts from when the person was first seen where nobody knows when they left', () => {
    expect(cleanup({ state: 'archived', leftAt: null, firstSeenAt: now - 7 * DAY })).not.toBeNull()
    expect(cleanup({ state: 'archived', leftAt: null, firstSeenAt: now })).toBeNull()
  })

  it('of a mover who lost the platform: at once without a delay, with one not before leaving', () => {
    expect(desire(elsewhere).cleanup).toEqual({ strip: 'all', keep: [] })
    expect(cleanup(elsewhere)).toBeNull()
  })

  it('deletes, where that is configured, long after somebody left, and never who only lost the platform', () => {
    const strict = compilePolicy(
      settings(mapping, [platform('wiki', {}, { leaver: { ...leaver, cleanupAfter: 0, deleteAfter: 30 * DAY } })]),
    )
    const remove = (more: Partial<Identity>) => strict.desire(person('1', more), 'wiki', [], now).cleanup?.remove
    expect(remove({ state: 'left', leftAt: now - 30 * DAY })).toBe(true)
    expect(remove({ state: 'left', leftAt: now - 30 * DAY + 1 })).toBeUndefined()
    expect(remove({ ...elsewhere, firstSeenAt: now - 60 * DAY })).toBeUndefined()
  })

  it('is never due for an account that is not shut', () => {
    expect(desire({ state: 'suspended' }).cleanup).toBeNull()
  })
})

describe('the expiry that is written ahead', () => {
  const soon = now + 5 * DAY
  it.each([
    ['the known end of employment', { endsAt: soon }, soon],
    ['the end of access before that of employment', { endsAt: soon + DAY, accessEndsAt: soon }, soon],
    ['the end of employment before that of access', { endsAt: soon, accessEndsAt: soon + DAY }, soon],
    ['the end of access while that of employment is over', { endsAt: now, accessEndsAt: soon }, soon],
    ['nothing where no end is known', {}, null],
    ['nothing for an end that is over', { endsAt: now }, null],
    [
      'nothing for an end before the start: it belongs to an earlier employment',
      { startsAt: soon + 1, endsAt: soon },
      null,
    ],
    ['the end of a contract without a known start', { startsAt: null, endsAt: soon }, soon],
    ['the end for a suspended person too', { state: 'suspended', endsAt: soon }, soon],
    ['nothing for an account that is shut', { state: 'left', leftAt: now, endsAt: soon }, null],
  ] as const)('is %s', (_, more, expected) => {
    expect(desire(more).expiresAt).toBe(expected)
  })
})

describe('an announced exit', () => {
  const exit = { state: 'left', leftAt: now, endsAt: now, announcedAt: now - 9 * DAY } as const
  it.each([
    ['told ahead and reached', exit, true],
    ['archived after it was reached', { ...exit, state: 'archived' }, true],
    ['told on the day itself', { ...exit, announcedAt: now }, false],
    ['never told', { ...exit, announcedAt: null }, false],
    ['without an end date', { ...exit, endsAt: null }, false],
    ['without a moment of leaving', { ...exit, leftAt: null }, false],
    ['earlier than it was told', { ...exit, endsAt: now + 30 * DAY }, false],
    ['not reached yet', { ...exit, leftAt: now + 1, endsAt: now + 1 }, false],
    ['of somebody who has not left', { ...exit, state: 'active' }, false],
  ] as const)('%s', (_, more, expected) => {
    expect(desire(more).announced).toBe(expected)
  })
})
