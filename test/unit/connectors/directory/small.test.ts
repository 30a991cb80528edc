import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { endpointOf, isLoopback } from '../../../../src/connectors/directory/endpoint.ts'
import { Gate, inFlight, portions } from '../../../../src/connectors/directory/flight.ts'
import { GroupWriter } from '../../../../src/connectors/directory/group-writer.ts'
import { LdapResultError } from '../../../../src/connectors/directory/errors.ts'
import type { MemberEdit } from '../../../../src/connectors/directory/members.ts'
import { Remembered } from '../../../../src/connectors/directory/remembered.ts'
import { fromGeneralizedTime, generalizedTime } from '../../../../src/connectors/directory/time.ts'

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('generalized time', () => {
  test('comes back to the second', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
        expect(fromGeneralizedTime(generalizedTime(seconds * 1_000))).toBe(seconds * 1_000)
      }),
    )
  })

  test.each([
    ['20260930120000Z', Date.UTC(2026, 8, 30, 12)],
    ['202609301200Z', Date.UTC(2026, 8, 30, 12)],
    ['20260930120000.25Z', Date.UTC(2026, 8, 30, 12, 0, 0, 250)],
    ['20260930140000+0200', Date.UTC(2026, 8, 30, 12)],
    ['20260930120000', null],
    ['20261330120000Z', null],
    ['never', null],
  ])('%s', (text, expected) => {
    expect(fromGeneralizedTime(text)).toBe(expected)
  })
})

describe('requests in flight', () => {
  test('are bounded, and results keep the order', async () => {
    let now = 0
    let most = 0
    const results = await inFlight(
      Array.from({ length: 300 }, (_, n) => n),
      1_000,
      async (n) => {
        most = Math.max(most, ++now)
        await soon()
        now--
        return n * 2
      },
    )
    expect(results).toEqual(Array.from({ length: 300 }, (_, n) => n * 2))
    expect(most).toBe(64)
  })

  test('pass a gate in the order in which they came, also after failures', async () => {
    const gate = new Gate(2)
    const order: number[] = []
    const work = Array.from({ length: 6 }, (_, n) =>
      gate.run(async () => {
        order.push(n)
        await soon()
        if (n % 2 === 0) throw new Error('no')
      }),
    )
    await Promise.allSettled(work)
    expect(order).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('are cut into portions', () => {
    expect(portions([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]])
    expect(portions([], 2)).toEqual([])
  })
})

describe('edits of one group', () => {
  test('that come while another is under way go together', async () => {
    const sent: (readonly MemberEdit[])[] = []
    const port = {
      async modify(edits: readonly MemberEdit[]) {
        sent.push(edits)
        await soon()
      },
      present: async () => new Set<string>(),
      aboutOneValue: (_: LdapResultError) => false,
    }
    const writer = new GroupWriter()
    const add = (value: string): Promise<unknown> => writer.edit('cn=g', port, { operation: 'add', value })
    const first = [add('a'), add('b')]
    await soon()
    const later = [add('c'), add('d'), add('d')]
    expect(await Promise.all([...first, ...later])).toEqual(['done', 'done', 'done', 'done', 'done'])
    expect(sent.map((edits) => edits.map(({ value }) => value))).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ])
  })

  test('that come while other groups are written go with those that wait for their turn', async () => {
    const sent: string[] = []
    const portOf = (group: string) => ({
      async modify(edits: readonly MemberEdit[]) {
        sent.push(`${group}: ${edits.map(({ value }) => value).join(' ')}`)
        await soon()
      },
      present: async () => new Set<string>(),
      aboutOneValue: (_: LdapResultError) => false,
    })
    const writer = new GroupWriter(1)
    const add = (group: string, value: string) => writer.edit(group, portOf(group), { operation: 'add', value })
    const first = [add('one', 'a'), add('two', 'a'), add('three', 'a')]
    await Promise.resolve()
    const second = [add('two', 'b'), add('three', 'b')]
    expect(await Promise.all([...first, ...second])).toEqual(Array(5).fill('done'))
    expect(sent).toEqual(['one: a', 'two: a b', 'three: a b'])
  })

  test('that an older and a newer claim want goes once, and the newer one decides', async () => {
    const sent: string[] = []
    const port = {
      async modify(edits: readonly MemberEdit[]) {
        sent.push(edits.map(({ value }) => value).join(' '))
      },
      present: async () => new Set<string>(),
      aboutOneValue: (_: LdapResultError) => false,
    }
    const writer = new GroupWriter()
    const add = (value: string, may: boolean) =>
      writer.edit('cn=g', port, { operation: 'add', value, mayGo: () => may })
    const outcomes = await Promise.all([add('a', true), add('a', false), add('b', false), add('b', false)])
    const lost = { error: expect.objectContaining({ code: 'claim-lost' }) as unknown }
    expect(outcomes).toEqual(['done', 'done', lost, lost])
    expect(sent).toEqual(['a'])
  })
})

describe('what is found out once', () => {
  test('is asked for once by many, and again after a failure', async () => {
    let asked = 0
    const remembered = new Remembered<number>()
    const find = async (): Promise<number> => {
      asked++
      await soon()
      if (asked === 1) throw new Error('not yet')
      return asked
    }
    const first = await Promise.allSettled([remembered.get(find), remembered.get(find)])
    expect(first.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await Promise.all([remembered.get(find), remembered.get(find)])).toEqual([2, 2])
    remembered.forget()
    expect(await remembered.get(find)).toBe(3)
  })
})

describe('an address of a directory', () => {
  const settings = (url: string, insecure = false) => ({ id: 'wiki', url, insecure })

  test.each([
    ['ldaps://dc1.corp.example', { host: 'dc1.corp.example', port: 636, secure: true }],
    ['ldap://127.0.0.1:1389', { host: '127.0.0.1', port: 1389, secure: false }],
    ['ldap://[::1]', { host: '::1', port: 389, secure: false }],
  ])('%s', (url, expected) => {
    expect(endpointOf(settings(url))).toMatchObject(expected)
  })

  test('is plain only on this machine, or when an admin says so', () => {
    expect(() => endpointOf(settings('ldap://ldap.corp.example'))).toThrow(/in the clear/)
    expect(endpointOf(settings('ldap://ldap.corp.example', true)).secure).toBe(false)
    expect(['localhost', '127.0.0.53', '::1', '127.example', '10.0.0.1'].map(isLoopback)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
  })

  test.each(['http://x', 'corp', ''])('%j is refused', (url) => {
    expect(() => endpointOf(settings(url))).toThrow(/no ldap/)
  })
})
