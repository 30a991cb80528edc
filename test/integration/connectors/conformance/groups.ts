import { expect } from 'vitest'
import { Person, createAll, createOne, readOne, results } from './harness.ts'
import type { Check } from './harness.ts'

/** What every connector must keep to with memberships. */
export const groups: Readonly<Record<string, Check>> = {
  'the catalogue has the group, with the word that roles use': async ({ harness, connector, signal }) => {
    await harness.makeGroup('catalogued')
    const snapshot = await connector.catalogue(signal)
    expect(snapshot.complete).toBe(true)
    const found = snapshot.items.filter((entry) => entry.name === 'catalogued')
    expect(found).toMatchObject([{ members: 'additive', privileged: false }])
  },

  'many grants of one group are all done, although one is a member already': async (bench) => {
    const { harness, connector, signal } = bench
    await harness.makeGroup('many', 2)
    await connector.catalogue(signal)
    const people = await createAll(
      bench,
      Array.from({ length: 40 }, (_, n) => `many${n}`),
    )
    const addresses = people.map((person) => person.address)
    await harness.addMemberByHand('many', addresses[7] ?? '')
    const outcomes = await results(
      bench,
      people.map((person) => person.grant('many')),
    )
    expect(outcomes).toEqual(people.map((_, n) => (n === 7 ? 'already' : 'done')))
    expect(await harness.membersOf('many', addresses)).toEqual({ count: 42, among: addresses })
    expect((await readOne(bench, people[0] as Person)).entitlements).toEqual(['many'])
  },

  'many revocations are all done, although one is no member; strangers stay': async (bench) => {
    const { harness, connector, signal } = bench
    await harness.makeGroup('fewer', 3)
    await connector.catalogue(signal)
    const people = await createAll(
      bench,
      Array.from({ length: 20 }, (_, n) => `fewer${n}`),
    )
    const members = people.filter((_, n) => n !== 5)
    await results(
      bench,
      members.map((person) => person.grant('fewer')),
    )
    const outcomes = await results(
      bench,
      people.map((person) => person.revoke('fewer')),
    )
    expect(outcomes).toEqual(people.map((_, n) => (n === 5 ? 'already' : 'done')))
    const addresses = people.map((person) => person.address)
    expect(await harness.membersOf('fewer', addresses)).toEqual({ count: 3, among: [] })
  },

  'an account that is gone fails alone among many grants': async (bench) => {
    const { harness, connector, signal } = bench
    await harness.makeGroup('onebad')
    await connector.catalogue(signal)
    const people = await createAll(
      bench,
      Array.from({ length: 9 }, (_, n) => `onebad${n}`),
    )
    const ghost = new Person('onebadghost')
    ghost.nativeId = '00000000-0000-4000-8000-000000000000'
    const changes = [...people.slice(0, 4), ghost, ...people.slice(4)].map((person) => person.grant('onebad'))
    const outcomes = await connector.apply(changes, bench.context)
    expect(outcomes.map(({ result }) => result)).toEqual(changes.map((_, n) => (n === 4 ? 'failed' : 'done')))
    expect(outcomes[4]?.error?.code).toBe('object-missing')
    expect(await harness.membersOf('onebad', [])).toMatchObject({ count: 9 })
  },

  'a group of 1,600 members is read and changed like any other': async (bench) => {
    const { harness, connector, signal } = bench
    await harness.makeGroup('crowd', 1_600)
    await connector.catalogue(signal)
    const ann = await createOne(bench, 'crowdann')
    expect(await results(bench, [ann.grant('crowd')])).toEqual(['done'])
    expect(await results(bench, [ann.grant('crowd')])).toEqual(['already'])
    expect((await readOne(bench, ann)).entitlements).toEqual(['crowd'])
    const all = await connector.read('all', signal)
    expect(all.items.find((account) => account.nativeId === ann.nativeId)?.entitlements).toEqual(['crowd'])
    expect(await harness.membersOf('crowd', [ann.address])).toEqual({ count: 1_601, among: [ann.address] })
    expect(await results(bench, [ann.revoke('crowd')])).toEqual(['done'])
    expect(await harness.membersOf('crowd', [ann.address])).toEqual({ count: 1_600, among: [] })
  },

  'the last member can leave': async (bench) => {
    const { harness, connector, signal } = bench
    await harness.makeGroup('last')
    await connector.catalogue(signal)
    const ann = await createOne(bench, 'lastann')
    expect(await results(bench, [ann.grant('last')])).toEqual(['done'])
    expect(await results(bench, [ann.revoke('last')])).toEqual(['done'])
    expect(await harness.membersOf('last', [ann.address])).toMatchObject({ among: [] })
  },
}
