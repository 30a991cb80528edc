import { expect } from 'vitest'
import type { Outcome } from '../../../../src/model/connector.ts'
import { Person, TestContext, createAll, createOne, only, passwordOf, readOne, results } from './harness.ts'
import type { Bench, Check } from './harness.ts'

const notSent = { result: 'retry', error: { code: 'claim-lost' } }

/** Does the password that a change of this context has set let somebody in, once an administrator has opened the account? */
async function isPasswordKnown(bench: Bench, person: Person, context: TestContext): Promise<boolean> {
  await bench.connector.apply([person.simple('enable')], new TestContext())
  return bench.harness.signIn(person.address, context.initial.get(person.identity) ?? '')
}

function isDone({ result }: Outcome): boolean {
  return result === 'done'
}

/** What every connector must keep to when a newer decision comes while it writes: `ApplyContext.mayOpen` says so. */
export const opening: Readonly<Record<string, Check>> = {
  'a connector asks before it opens: after any no, nothing more is opened': async (bench) => {
    const { harness, connector, signal } = bench
    await harness.makeGroup('asked')
    await connector.catalogue(signal)
    for (const asksLeft of [0, 1, 2]) {
      const person = await createOne(bench, `asked${asksLeft}`)
      await only(bench, person.disable('suspend'))
      const context = Object.assign(new TestContext(), { asksLeft })
      const changes = [person.grant('asked'), person.issue(), person.simple('enable')]
      const outcomes = await connector.apply(changes, context)
      for (const outcome of outcomes.filter((one) => !isDone(one))) expect(outcome).toMatchObject(notSent)
      expect(outcomes.filter(isDone).length).toBeLessThanOrEqual(asksLeft)
      const { enabled, entitlements } = await readOne(bench, person)
      const isKnown = await isPasswordKnown(bench, person, context)
      expect([entitlements.includes('asked'), isKnown, enabled]).toEqual(outcomes.map(isDone))
    }
  },

  'accounts that may not be opened any more are not made, and leave no trace': async (bench) => {
    const { harness, connector, signal } = bench
    const people = Array.from({ length: 12 }, (_, n) => new Person(`unmade${n}`))
    const context = Object.assign(new TestContext(), { asksLeft: 5 })
    const changes = people.map((person, n) => person.create(harness.people, { enabled: n % 2 === 0 }))
    const outcomes = await connector.apply(changes, context)
    for (const outcome of outcomes.filter((one) => !isDone(one))) expect(outcome).toMatchObject(notSent)
    const made = people.filter((_, n) => outcomes[n]?.result === 'done').map(({ name }) => name)
    expect(made.length).toBeLessThanOrEqual(5)
    const refs = people.map(({ name }) => ({ name, matches: [] }))
    const { items } = await connector.read(refs, signal)
    expect(items.map(({ name }) => name).toSorted()).toEqual(made.toSorted())
  },

  'one write for many leaves out whom nothing may be opened for, and nobody else': async (bench) => {
    const { harness, connector, signal } = bench
    await harness.makeGroup('spared')
    await connector.catalogue(signal)
    const people = await createAll(
      bench,
      Array.from({ length: 12 }, (_, n) => `spared${n}`),
    )
    const context = new TestContext()
    const late = people.filter((_, n) => n % 5 === 3)
    for (const { identity } of late) context.overtaken.add(identity)
    const outcomes = await connector.apply(
      people.map((person) => person.grant('spared')),
      context,
    )
    expect(outcomes).toMatchObject(people.map((person) => (late.includes(person) ? notSent : { result: 'done' })))
    const members = people.filter((person) => !late.includes(person)).map(({ address }) => address)
    const addresses = people.map(({ address }) => address)
    expect(await harness.membersOf('spared', addresses)).toEqual({ count: members.length, among: members })
  },

  'a connector shuts without asking: no newer decision keeps it from that': async (bench) => {
    const { harness, connector, context, signal } = bench
    await harness.makeGroup('unasked')
    await connector.catalogue(signal)
    const [ann, bob] = (await createAll(bench, ['unaskedann', 'unaskedbob'])) as [Person, Person]
    expect(await results(bench, [ann.grant('unasked'), bob.grant('unasked')])).toEqual(['done', 'done'])
    for (const { identity } of [ann, bob]) context.overtaken.add(identity)
    const closing = [ann.disable('leaver'), ann.revoke('unasked'), bob.revoke('unasked'), bob.disable('suspend')]
    expect(await results(bench, closing)).toEqual(['done', 'done', 'done', 'done'])
    for (const person of [ann, bob]) {
      expect(await readOne(bench, person)).toMatchObject({ enabled: false, entitlements: [] })
      expect(await harness.signIn(person.address, passwordOf(bench, person))).toBe(false)
    }
    expect(context.scrambles.has(ann.identity)).toBe(true)
    expect(await results(bench, [ann.simple('delete')])).toEqual(['done'])
  },
}
