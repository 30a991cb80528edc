import { expect } from 'vitest'
import type { NewAccount } from '../../../../src/model/change.ts'
import { Person, createAll, createOne, only, passwordOf, readOne, results } from './harness.ts'
import type { Check } from './harness.ts'

/** What every connector must keep to when it writes. */
export const writing: Readonly<Record<string, Check>> = {
  'a new account can be used with the password that was handed out, and a second of that name is refused': async (
    bench,
  ) => {
    const { harness } = bench
    const person = await createOne(bench, 'newann')
    expect(await harness.signIn(person.address, passwordOf(bench, person))).toBe(true)
    const twin = new Person('newann')
    const outcome = await only(
      bench,
      twin.create(harness.people, { attributes: { employeeNumber: ['other'], displayName: ['Other'] } }),
    )
    expect(outcome).toMatchObject({ result: 'failed', error: { code: 'name-taken' } })
    expect((await readOne(bench, person)).attributes).toMatchObject({ employeeNumber: ['newann'] })
  },

  'an account that is made shut stays shut until it is enabled': async (bench) => {
    const { harness, context } = bench
    const person = new Person('shutann')
    const outcome = await only(bench, person.create(harness.people, { enabled: false }))
    person.nativeId = outcome.account?.nativeId ?? ''
    person.address = outcome.account?.address ?? ''
    expect(await readOne(bench, person)).toMatchObject({ enabled: false })
    expect(await results(bench, [person.issue()])).toEqual(['done'])
    const password = context.initial.get(person.identity) ?? ''
    expect(await harness.signIn(person.address, password)).toBe(false)
    expect(await readOne(bench, person)).toMatchObject({ enabled: false })
    expect(await results(bench, [person.simple('enable')])).toEqual(['done'])
    expect(await harness.signIn(person.address, password)).toBe(true)
    expect(await readOne(bench, person)).toMatchObject({ enabled: true })
  },

  'awkward names live through create, grant, move and read': async (bench) => {
    const { harness, connector, signal } = bench
    await harness.makeGroup('awkward')
    await connector.catalogue(signal)
    const people = await createAll(bench, harness.awkwardNames)
    const changes = people.flatMap((person) => [
      person.grant('awkward'),
      person.relocate('move', harness.people, harness.elsewhere),
    ])
    expect(new Set(await results(bench, changes))).toEqual(new Set(['done']))
    for (const person of people) {
      const account = await readOne(bench, person)
      expect(account).toMatchObject({ name: person.name, nativeId: person.nativeId, entitlements: ['awkward'] })
      expect(connector.within(account.address, harness.elsewhere)).toBe(true)
      const byName = await connector.read([{ name: person.name, matches: [] }], signal)
      expect(byName.items.map((item) => item.nativeId)).toEqual([person.nativeId])
    }
    expect(await harness.membersOf('awkward', [])).toMatchObject({ count: people.length })
  },

  'values are set, changed and cleared, and a reference waits for the account it means': async (bench) => {
    const [ann, boss] = await createAll(bench, ['setann', 'setboss'])
    if (ann === undefined || boss === undefined) throw new Error('no accounts')
    const first = [
      ann.update('title', ['Engineer'], ['Senior Engineer, "R&D" + more']),
      ann.update('manager', [], { accountOf: boss.identity }),
      ann.update('displayName', ['Person setann'], []),
    ]
    expect(await results(bench, first)).toEqual(['done', 'done', 'done'])
    const { attributes } = await readOne(bench, ann)
    expect(attributes['title']).toEqual(['Senior Engineer, "R&D" + more'])
    expect(attributes['displayName'] ?? []).toEqual([])
    const canonical = (value: string): string => bench.connector.canonical('manager', value)
    expect((attributes['manager'] ?? []).map(canonical)).toEqual([canonical(boss.address)])
    const waits = await only(bench, ann.update('manager', attributes['manager'] ?? [], { accountOf: 'test:not-there' }))
    expect(waits).toMatchObject({ result: 'waiting', error: { code: 'reference-waits' } })
  },

  'what another hand has changed meanwhile is not overwritten': async (bench) => {
    const ann = await createOne(bench, 'staleann')
    expect(await results(bench, [ann.update('title', ['Engineer'], ['Architect'])])).toEqual(['done'])
    const stale = await only(bench, ann.update('title', ['Engineer'], ['Clerk']))
    expect(stale.result).toBe('retry')
    expect((await readOne(bench, ann)).attributes['title']).toEqual(['Architect'])
    expect(await results(bench, [ann.update('title', ['Engineer'], ['Architect'])])).toEqual(['already'])
  },

  'one refused value does not keep the others back': async (bench) => {
    const ann = await createOne(bench, 'badann')
    const { attribute, value } = bench.harness.refusedValue
    const from = (await readOne(bench, ann)).attributes[attribute] ?? []
    const [good, bad] = await bench.connector.apply(
      [ann.update('displayName', ['Person badann'], ['Ann Bad']), ann.update(attribute, from, [value])],
      bench.context,
    )
    expect(good).toEqual({ result: 'done' })
    expect(bad).toMatchObject({ result: 'failed', error: { message: expect.stringContaining(attribute) as string } })
    expect((await readOne(bench, ann)).attributes['displayName']).toEqual(['Ann Bad'])
  },

  'outcomes come in the order of the changes, and one missing account disturbs nobody': async (bench) => {
    const [ann, bob] = await createAll(bench, ['orderann', 'orderbob'])
    if (ann === undefined || bob === undefined) throw new Error('no accounts')
    const ghost = new Person('ghost')
    ghost.nativeId = '00000000-0000-4000-8000-000000000000'
    const outcomes = await bench.connector.apply(
      [
        ann.update('title', ['Engineer'], ['A']),
        ghost.update('title', [], ['G']),
        bob.update('title', ['Engineer'], ['Engineer']),
        ghost.simple('delete'),
        bob.grant('no-such-group'),
        bob.update('displayName', ['Person orderbob'], ['B']),
      ],
      bench.context,
    )
    expect(outcomes.map(({ result }) => result)).toEqual([
      'done',
      'failed',
      expect.stringMatching(/^(done|already)$/),
      'already',
      'failed',
      'done',
    ])
    expect(outcomes[1]?.error?.code).toBe('object-missing')
  },

  'rename and move keep the native id and the memberships, and doing them again changes nothing': async (bench) => {
    const { harness, connector, signal } = bench
    await harness.makeGroup('movers')
    await connector.catalogue(signal)
    const ann = await createOne(bench, 'moveann')
    const rename = ann.relocate('rename', 'moveann', 'movedann')
    const move = ann.relocate('move', harness.people, harness.elsewhere)
    expect(await results(bench, [ann.grant('movers'), rename, move])).toEqual(['done', 'done', 'done'])
    const account = await readOne(bench, ann)
    expect(account).toMatchObject({ nativeId: ann.nativeId, name: 'movedann', entitlements: ['movers'] })
    expect(connector.within(account.address, harness.elsewhere)).toBe(true)
    expect(await harness.membersOf('movers', [account.address])).toEqual({ count: 1, among: [account.address] })
    const again = await connector.apply([rename, move], bench.context)
    expect(again.map(({ result }) => result)).toEqual(['already', 'already'])
    expect(again[1]?.account).toMatchObject({ nativeId: ann.nativeId, name: 'movedann' })
  },

  'an empty value is no value': async ({ connector, harness }) => {
    const attributes = { displayName: ['Ann'], title: [''] }
    const desired: NewAccount = { name: 'empty', container: harness.people, enabled: true, attributes, expiresAt: null }
    expect(connector.adapt(desired).attributes['title'] ?? []).toEqual([])
    expect(connector.adapt(connector.adapt(desired))).toEqual(connector.adapt(desired))
  },
}
