import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LdapResultError } from '../../../../src/connectors/directory/errors.ts'
import { assertMayGo, editMembers } from '../../../../src/connectors/directory/members.ts'
import type { GroupPort, MemberEdit } from '../../../../src/connectors/directory/members.ts'

/** Behaves as slapd does: a modification is carried out wholly or not at all. */
function group(members: Set<string>, refused: ReadonlySet<string> = new Set()): GroupPort & { modifications: number } {
  return {
    modifications: 0,
    modify(edits) {
      this.modifications++
      const next = new Set(members)
      for (const { operation, value } of edits) {
        if (refused.has(value)) return Promise.reject(new LdapResultError(19, 'refused'))
        if (operation === 'add' && next.has(value)) return Promise.reject(new LdapResultError(20, 'value exists'))
        if (operation === 'delete' && !next.delete(value)) return Promise.reject(new LdapResultError(16, 'no value'))
        if (operation === 'add') next.add(value)
      }
      members.clear()
      for (const value of next) members.add(value)
      return Promise.resolve()
    },
    present: (values) => Promise.resolve(new Set(values.filter((value) => members.has(value)))),
    aboutOneValue: (error) => error.code !== 50,
  }
}

const add = (value: string): MemberEdit => ({ operation: 'add', value })
const remove = (value: string): MemberEdit => ({ operation: 'delete', value })

describe('editing the members of a group', () => {
  test('what something newer has overtaken is not sent, and the others are', async () => {
    const members = new Set(['old'])
    const port = group(members)
    const edits = [
      add('one'),
      { ...add('late'), mayGo: () => false },
      remove('old'),
      { ...add('two'), mayGo: () => true },
    ]
    const outcomes = await editMembers(port, edits)
    expect(outcomes).toEqual(['done', { error: expect.objectContaining({ code: 'claim-lost' }) }, 'done', 'done'])
    expect([...members]).toEqual(['one', 'two'])
  })

  test('what is overtaken while a connection is waited for is not sent either', async () => {
    const members = new Set<string>()
    const port = group(members)
    let isOvertaken = false
    const waiting: GroupPort = {
      ...port,
      modify: async (edits) => {
        if (edits.length === 2) isOvertaken = true
        assertMayGo(edits)
        return port.modify(edits)
      },
    }
    const outcomes = await editMembers(waiting, [add('one'), { ...add('late'), mayGo: () => !isOvertaken }])
    expect(outcomes).toEqual(['done', { error: expect.objectContaining({ code: 'claim-lost' }) }])
    expect([...members]).toEqual(['one'])
  })

  test('many additions and removals are one modification', async () => {
    const members = new Set(['old'])
    const port = group(members)
    const edits = [...Array.from({ length: 300 }, (_, n) => add(`m${n}`)), remove('old')]
    expect(await editMembers(port, edits)).toEqual(edits.map(() => 'done'))
    expect(port.modifications).toBe(1)
    expect(members.size).toBe(300)
  })

  test('an existing member and an absent one cost one more modification, and everybody else is done', async () => {
    const members = new Set(['there'])
    const port = group(members)
    expect(await editMembers(port, [add('a'), add('there'), remove('gone'), add('b')])).toEqual([
      'done',
      'already',
      'already',
      'done',
    ])
    expect(port.modifications).toBe(2)
    expect([...members].toSorted()).toEqual(['a', 'b', 'there'])
  })

  test('one refused value among 256 fails alone, after a few halvings', async () => {
    const members = new Set<string>()
    const port = group(members, new Set(['m77']))
    const outcomes = await editMembers(
      port,
      Array.from({ length: 256 }, (_, n) => add(`m${n}`)),
    )
    expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(255)
    expect(outcomes[77]).toMatchObject({ error: { code: 19 } })
    expect(port.modifications).toBeLessThanOrEqual(17)
  })

  test('a refusal of the whole group is not tried again for every member', async () => {
    const port = group(new Set())
    port.modify = () => Promise.reject(new LdapResultError(50, 'no rights'))
    let reads = 0
    port.present = () => Promise.resolve(new Set([`${reads++}`]))
    expect(await editMembers(port, [add('a'), add('b')])).toMatchObject([
      { error: { code: 50 } },
      { error: { code: 50 } },
    ])
    expect(reads).toBe(0)
  })

  test('whatever was there before, the wanted members are there afterwards and every edit has its own outcome', async () => {
    const name = fc.constantFrom<string[]>('a', 'b', 'c', 'd', 'e', 'f', 'g')
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name), fc.uniqueArray(name), fc.uniqueArray(name), async (before, asked, bad) => {
        const members = new Set(before)
        const edits = asked.map((value, n) => (n % 2 === 0 ? add(value) : remove(value)))
        const outcomes = await editMembers(group(members, new Set(bad)), edits)
        edits.forEach(({ operation, value }, n) => {
          const was = before.includes(value) === (operation === 'add')
          const outcome = outcomes[n]
          if (was) expect(outcome).toBe('already')
          else if (bad.includes(value)) expect(outcome).toMatchObject({ error: { code: 19 } })
          else expect(outcome).toBe('done')
          if (outcome === 'done' || outcome === 'already') expect(members.has(value)).toBe(operation === 'add')
        })
      }),
    )
  })
})
