import { describe, expect, it } from 'vitest'
import type { Identity } from '../../../src/model/identity.ts'
import { DAY } from '../../../src/model/instant.ts'
import type { Override } from '../../../src/model/running.ts'
import { compilePolicy, overruled } from '../../../src/policy/index.ts'
import { now, person, role, settings } from './company.ts'

const madeAt = now - DAY
const until = now + 10 * DAY

function word(state: 'active' | 'left', more: Partial<Override> = {}): Override {
  return {
    id: 1,
    identity: 'hr:1',
    kind: 'state',
    state,
    emergency: false,
    until: null,
    reason: 'stolen laptop',
    operator: 'ann',
    madeAt,
    endedAt: null,
    ...more,
  }
}

const freeze = (more: Partial<Override> = {}): Override => ({ ...word('left', more), kind: 'freeze', state: null })
const said = (more: Partial<Identity>, ...words: readonly Override[]) => overruled(person('1', more), words, now)

const policy = compilePolicy(settings([role('seller', { accounts: ['wiki'] })]))
const desire = (identity: Identity) => policy.desire(identity, 'wiki', [], now)

describe('an operator says that somebody has left', () => {
  it('and so it is, since then, whatever is wrong with the record', () => {
    const identity = said({ held: 'it ends before it starts', leftBeforeFirstSeen: true }, word('left'))
    expect(identity).toMatchObject({
      state: 'left',
      leftAt: madeAt,
      next: null,
      held: null,
      leftBeforeFirstSeen: false,
      reason: { kind: 'operator', text: 'override by ann: stolen laptop' },
      override: { words: [{ kind: 'state', text: 'override by ann: stolen laptop', until: null }], emergency: false },
    })
    expect(desire(identity)).toMatchObject({ state: 'shut', held: null, backlog: false, reason: identity.reason })
    expect(desire(identity).emergency).toBeUndefined()
  })

  it('an offboarding is an emergency', () => {
    const identity = said({}, word('left', { emergency: true }))
    expect(identity.reason.text).toBe('offboard by ann: stolen laptop')
    expect(identity.override).toEqual({
      words: [{ kind: 'state', text: 'offboard by ann: stolen laptop', until: null }],
      emergency: true,
    })
    expect(desire(identity)).toMatchObject({ state: 'shut', emergency: true })
  })

  it.each([
    ['earlier by the sources', madeAt - DAY, madeAt - DAY],
    ['later by the sources', madeAt + 1, madeAt],
    ['nobody knows when by the sources', null, madeAt],
  ])('who has left already has left since the earlier moment: %s', (_, leftAt, expected) => {
    expect(said({ state: 'left', leftAt }, word('left')).leftAt).toBe(expected)
  })

  it('who goes by it has no announced exit, unless the sources had announced and reached it', () => {
    const announced = { endsAt: madeAt - DAY, announcedAt: madeAt - 9 * DAY }
    expect(desire(said({ ...announced, startsAt: madeAt - DAY / 2 }, word('left'))).announced).toBe(false)
    expect(desire(said({ ...announced, state: 'left', leftAt: madeAt - DAY }, word('left'))).announced).toBe(true)
  })

  it('until a moment: then they are again what the sources say', () => {
    expect(said({}, word('left', { until })).next).toEqual({ at: until, state: 'active' })
    expect(said({}, word('left', { until })).override?.words[0]?.until).toBe(until)
    const leaves = { next: { at: until - DAY, state: 'suspended' } } as const
    expect(said(leaves, word('left', { until })).next).toEqual({ at: until, state: 'suspended' })
    expect(said({ state: 'left' }, word('left', { until })).next).toBeNull()
    const comes = { state: 'left', next: { at: until + DAY, state: 'active' } } as const
    expect(said(comes, word('left', { until })).next).toEqual(comes.next)
  })
})

describe('an operator keeps somebody active', () => {
  it.each(['left', 'archived', 'suspended', 'pre-hire'] as const)('over the state %s', (state) => {
    const identity = said({ state, leftAt: now - 3 * DAY, held: 'vanished' }, word('active', { emergency: true }))
    expect(identity).toMatchObject({ state: 'active', leftAt: null, held: null, next: null })
    expect(identity.override).toMatchObject({ words: [{ text: 'override by ann: stolen laptop' }], emergency: false })
    expect(desire(identity)).toMatchObject({ state: 'open', create: true, cleanup: null })
  })

  it('no end of the record expires the account meanwhile', () => {
    const ends = { endsAt: now + DAY, accessEndsAt: now + 2 * DAY, next: { at: now + DAY, state: 'left' } } as const
    expect(desire(said(ends, word('active'))).expiresAt).toBeNull()
    expect(desire(said(ends, word('active', { until }))).expiresAt).toBe(until)
    expect(desire(said({ state: 'left', endsAt: now - DAY }, word('active', { until }))).expiresAt).toBe(until)
  })

  it('an end of the record that is later still does', () => {
    const later = { endsAt: until + DAY, next: { at: until + DAY, state: 'left' } } as const
    const identity = said(later, word('active', { until }))
    expect(identity.next).toEqual(later.next)
    expect(desire(identity).expiresAt).toBe(until + DAY)
    expect(said({ ...later, state: 'suspended' }, word('active', { until }))).toMatchObject({
      next: { at: until, state: 'suspended' },
      endsAt: until + DAY,
    })
  })

  it('after its end nothing changes where the sources say the same', () => {
    expect(said({ next: { at: until + DAY, state: 'active' } }, word('active', { until })).next).toBeNull()
  })
})

describe('a freeze', () => {
  it('leaves the state as it is', () => {
    const identity = said({}, freeze({ until, reason: 'inquiry' }))
    expect(identity).toEqual({
      ...person('1'),
      override: { words: [{ kind: 'freeze', text: 'frozen by ann: inquiry', until }], emergency: false },
    })
    expect(desire(identity)).toMatchObject({ state: 'open', frozen: 'frozen by ann: inquiry' })
    expect(desire(person('1')).frozen).toBeUndefined()
  })

  it('and an offboarding may stand together, each until its own end', () => {
    const words = [freeze({ until, reason: 'inquiry' }), word('left', { emergency: true, until: until - DAY })]
    const identity = said({}, ...words)
    expect(identity).toMatchObject({ state: 'left', reason: { text: 'offboard by ann: stolen laptop' } })
    expect(identity.override).toEqual({
      words: [
        { kind: 'freeze', text: 'frozen by ann: inquiry', until },
        { kind: 'state', text: 'offboard by ann: stolen laptop', until: until - DAY },
      ],
      emergency: true,
    })
    expect(desire(identity)).toMatchObject({ state: 'shut', frozen: 'frozen by ann: inquiry', emergency: true })
  })
})

describe('an override', () => {
  it.each([
    ["of somebody else's", word('left', { identity: 'hr:2' })],
    ['whose end is reached', word('left', { until: now })],
    ['that was ended by hand', word('left', { endedAt: now - 1 })],
  ])('%s does nothing', (_, one) => {
    const identity = person('1')
    expect(overruled(identity, [one], now)).toBe(identity)
  })

  it('of a clock that is ahead counts at once', () => {
    expect(said({}, word('left', { madeAt: now + 5_000 })).state).toBe('left')
  })

  it('is ruled out by a newer one, in whatever order they come', () => {
    const words = [word('left'), word('active', { id: 2, madeAt: madeAt + 1 })]
    expect(said({}, ...words).state).toBe('active')
    expect(said({}, ...words.toReversed()).state).toBe('active')
    const sameMoment = [word('left', { id: 3 }), word('active', { id: 2 })]
    expect(said({}, ...sameMoment.toReversed()).state).toBe('left')
  })
})
