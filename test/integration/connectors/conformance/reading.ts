import { expect } from 'vitest'
import { createAll, createOne, readOne } from './harness.ts'
import type { Check } from './harness.ts'

/** What every connector must keep to when it reads. A check throws where the connector does not. */
export const reading: Readonly<Record<string, Check>> = {
  'a bulk read has every account once, as adapt said it would be': async (bench) => {
    const { connector, signal, harness } = bench
    const people = await createAll(
      bench,
      Array.from({ length: 30 }, (_, n) => `bulk${n}`),
    )
    const snapshot = await connector.read('all', signal)
    expect(snapshot.complete).toBe(true)
    for (const person of people) {
      const found = snapshot.items.filter((account) => account.nativeId === person.nativeId)
      expect(found).toHaveLength(1)
      const change = person.create(harness.people)
      const adapted = change.kind === 'create' ? connector.adapt(change.desired) : undefined
      expect(found[0]).toMatchObject({ name: person.name, enabled: true, entitlements: [], address: person.address })
      expect(found[0]?.attributes).toMatchObject(adapted?.attributes ?? {})
      expect(connector.within(person.address, harness.people)).toBe(true)
    }
  },

  'accounts are found by native id, by name and by what they are matched by, each once': async (bench) => {
    const { connector, signal } = bench
    const [ann, bob, cyd] = await createAll(bench, ['refann', 'refbob', 'refcyd'])
    const snapshot = await connector.read(
      [
        { nativeId: ann?.nativeId ?? '' },
        { name: 'refbob', matches: [] },
        { name: 'nobody-at-all', matches: [{ attribute: 'employeeNumber', value: 'refcyd' }] },
        { name: 'refann', matches: [{ attribute: 'employeeNumber', value: 'refann' }] },
        { nativeId: '00000000-0000-4000-8000-000000000000' },
      ],
      signal,
    )
    expect(snapshot.complete).toBe(true)
    const ids = snapshot.items.map((account) => account.nativeId)
    expect(ids).toHaveLength(3)
    expect(new Set(ids)).toEqual(new Set([ann, bob, cyd].map((person) => person?.nativeId)))
  },

  'what means something in a filter is only a character in a name': async (bench) => {
    const { connector, signal } = bench
    await createOne(bench, 'filterann')
    for (const name of ['*', 'filter*', '*)(objectClass=*', 'a\\2a', '(filterann)', 'filterann)(|(cn=*', '&', '\\']) {
      const snapshot = await connector.read([{ name, matches: [{ attribute: 'employeeNumber', value: name }] }], signal)
      expect({ name, complete: snapshot.complete, items: snapshot.items }).toEqual({ name, complete: true, items: [] })
    }
  },

  'a read whose connection is cut is never complete': async (bench) => {
    const { connector, signal, harness } = bench
    await createAll(
      bench,
      Array.from({ length: 200 }, (_, n) => `cut${n}`),
    )
    const whole = await connector.read('all', signal)
    const ends: boolean[] = []
    for (const cutAfter of [1, 3_000, 6_000, 12_000, 24_000]) {
      await using cut = await harness.connect({ cutAfter })
      const snapshot = await cut.read('all', signal)
      ends.push(snapshot.complete)
      if (snapshot.complete) expect(snapshot.items).toHaveLength(whole.items.length)
      else expect(snapshot.cause).toBeInstanceOf(Error)
    }
    expect(ends).toContain(false)
  },

  'a wrong password, an untrusted certificate and a dead server are told apart': async ({ harness, signal }) => {
    const expected = {
      'wrong-password': 'platform-sign-in-refused',
      untrusted: 'platform-untrusted',
      down: 'platform-unreachable',
    } as const
    for (const fault of ['wrong-password', 'untrusted', 'down'] as const) {
      await using connector = await harness.connect(fault)
      const snapshot = await connector.read('all', signal)
      expect(snapshot.complete).toBe(false)
      expect(snapshot).toMatchObject({ cause: { code: expected[fault] } })
    }
  },

  'an account that another hand has disabled is read as disabled': async (bench) => {
    const person = await createOne(bench, 'byhand')
    await bench.harness.disableByHand(person.address)
    expect(await readOne(bench, person)).toMatchObject({ enabled: false })
  },
}
