import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DesiredAccount, ObservedAccount } from '../../../src/model/account.ts'
import { limitOf } from '../../../src/model/change.ts'
import { makePlan } from '../../../src/plan/index.ts'
import type { PlatformView } from '../../../src/plan/index.ts'
import { company, desiredOf, keyOf, worldOf } from './sketch.ts'
import type { Sketch } from './sketch.ts'
import { kinds, leaver, now, suspended, want, World } from './world.ts'

const isShut = ({ enabled }: ObservedAccount) => !enabled

describe('every plan', () => {
  it('carried out, leaves nothing to do', () => {
    fc.assert(
      fc.property(company, (sketches) => {
        const world = worldOf(sketches)
        const people = sketches.map(desiredOf)
        world.apply(world.plan(...people).changes)
        // Opening an account may let a reference be seen; after the second pass nothing is left.
        expect(kinds(world.plan(...people))).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it('is the same however the inputs are sorted', () => {
    const shuffled = fc.tuple(company, fc.infiniteStream(fc.nat(1_000)))
    fc.assert(
      fc.property(shuffled, ([sketches, order]) => {
        const world = worldOf(sketches)
        const people = sketches.map(desiredOf)
        const plan = world.plan(...people)
        const mix = <T>(items: readonly T[]): T[] =>
          items
            .map((item) => ({ item, at: order.next().value as number }))
            .toSorted((a, b) => a.at - b.at)
            .map(({ item }) => item)
        world.accounts = mix(world.accounts.map((one) => ({ ...one, entitlements: mix(one.entitlements) })))
        world.links = mix(world.links)
        world.grants = mix(world.grants)
        world.names = mix(world.names)
        world.catalogue = mix(world.catalogue)
        expect(world.plan(...people)).toEqual(plan)
      }),
    )
  })

  it('takes nothing from somebody who is active and unchanged', () => {
    fc.assert(
      fc.property(company, (sketches) => {
        const world = worldOf(sketches)
        const people = sketches.map(desiredOf)
        world.apply(world.plan(...people).changes)
        const active = new Set(people.filter(({ state }) => state === 'open').map(({ identity }) => identity))
        const others = people.map((one, at) =>
          active.has(one.identity) ? one : desiredOf({ ...(sketches[at] as Sketch), state: 'left' }, at),
        )
        const removals = world.plan(...others).changes.filter((change) => limitOf(change) === 'removals')
        expect(removals.filter(({ identity }) => active.has(identity))).toEqual([])
      }),
    )
  })

  it('opens nothing that another hand shut', () => {
    fc.assert(
      fc.property(company, (sketches) => {
        const world = worldOf(sketches)
        const untouchable = new Set(
          world.accounts
            .filter(isShut)
            .filter(
              ({ nativeId }) => (world.links.find((link) => link.nativeId === nativeId)?.shutByUs ?? null) === null,
            )
            .map(({ nativeId }) => nativeId),
        )
        const opened = world.plan(...sketches.map(desiredOf)).changes.filter(({ kind }) => kind === 'enable')
        expect(opened.filter(({ target }) => 'nativeId' in target && untouchable.has(target.nativeId))).toEqual([])
      }),
    )
  })

  it('names no account that is neither linked nor matched, not even among what is withheld', () => {
    fc.assert(
      fc.property(company, (sketches) => {
        const world = worldOf(sketches)
        const plan = world.plan(...sketches.map(desiredOf))
        const known = new Set(world.links.map(({ nativeId }) => nativeId))
        for (const [at, { there }] of sketches.entries()) if (there === 'unlinked') known.add(`id-${keyOf(at)}`)
        for (const { target } of [...plan.changes, ...plan.withheld.map(({ change }) => change)]) {
          if ('nativeId' in target) expect(known).toContain(target.nativeId)
        }
      }),
    )
  })
})

describe('several platforms', () => {
  it('are planned in the order of their names, each with its own count', () => {
    const world = new World().has('ann')
    const view = (id: string): PlatformView => world.view({ settings: { ...world.settings, id } })
    const plan = (ids: readonly string[]) =>
      makePlan({
        now,
        policyVersion: 'v7',
        safety: world.safety,
        desired: (platform) => [leaver('ann', { platform })],
        platforms: ids.map(view),
        digest: (text) => text,
        confirmed: false,
      })
    expect(plan(['wiki', 'corp-ad']).changes.map(({ platform }) => platform)).toEqual(['corp-ad', 'wiki'])
    expect(plan(['wiki', 'corp-ad'])).toEqual(plan(['corp-ad', 'wiki']))
    expect(plan(['wiki', 'corp-ad'])).toMatchObject({
      policyVersion: 'v7',
      madeAt: now,
      population: { wiki: 1, 'corp-ad': 1 },
    })
  })
})

describe('the hash of a plan', () => {
  it('is over what would be done, and not over when it was planned', () => {
    const world = new World().has('ann')
    const made = (at: number, ...people: readonly DesiredAccount[]) =>
      makePlan({
        now: at,
        policyVersion: 'v1',
        safety: world.safety,
        desired: () => people,
        platforms: [world.view()],
        digest: (text) => text,
        confirmed: false,
      }).id
    expect(made(1, leaver('ann'))).toBe(made(2, leaver('ann')))
    expect(made(1, leaver('ann'))).not.toBe(made(1, suspended('ann')))
    expect(made(1, want('ann'))).toBe('')
  })
})

describe('absence', () => {
  it('is concluded from complete reads only: another does not compile', () => {
    const view = (observed: PlatformView['observed']) => new World().view({ observed })
    const cut = { complete: false, takenAt: now, items: [], cause: new Error('the connection ended') } as const
    // @ts-expect-error an incomplete snapshot is no view of a platform
    expect(view(cut).observed.complete).toBe(false)
  })
})
