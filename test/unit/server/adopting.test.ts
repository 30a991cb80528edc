import { describe, expect, test } from 'vitest'
import { readChoices } from '../../../src/server/adopting.ts'
import type { Adoptable, Adoption } from '../../../src/server/adopting.ts'
import { account } from '../plan/world.ts'
import { person } from '../policy/company.ts'

function unmatched(name: string): Adoptable {
  return { account: account(name), situation: 'unmatched', identity: null, by: '' }
}

const linked: Adoptable = { ...unmatched('dan'), situation: 'linked', identity: 'hr:4' }

function adoption(...accounts: readonly Adoptable[]): Adoption {
  const elsewhere = { ...person('3'), id: 'agency:3', source: 'agency' }
  return {
    people: { identities: [...['1', '2', '3', '4'].map((key) => person(key)), elsewhere], intakes: [] },
    accounts,
  }
}

const three = adoption(unmatched('ann'), unmatched('bob'), linked)

function complaints(text: string): string {
  try {
    readChoices(text, 'links.csv', three)
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
  return 'nothing was wrong'
}

describe('a file of links', () => {
  test('has a key and a native id on each line; a header, blank lines and padding do not matter', () => {
    const text = 'key,native id\r\n1, id-ann\r\n\r\nhr:2;ID-BOB \n'
    expect(readChoices(text, 'links.csv', three)).toEqual([
      { identity: 'hr:1', nativeId: 'id-ann' },
      { identity: 'hr:2', nativeId: 'id-bob' },
    ])
  })

  test('may repeat what is linked already', () => {
    expect(readChoices('4,id-dan\n', 'links.csv', three)).toEqual([{ identity: 'hr:4', nativeId: 'id-dan' }])
  })

  test('is refused as a whole, with every wrong line and its number', () => {
    expect(complaints('9,id-ann\n1,id-nobody\n2,id-bob\n')).toBe(
      'nothing was linked; 2 wrong line(s):\n  links.csv:1 nobody has the key "9"\n  links.csv:2 no account has the native id "id-nobody"',
    )
  })

  test('does not give an account to a second person', () => {
    expect(complaints('1,id-dan')).toContain('links.csv:1 the account dan is linked to hr:4 already')
    expect(complaints('1,id-ann\n2,id-ann')).toContain('links.csv:2 the account ann is linked to hr:1 by line 1')
  })

  test('does not give a second account to a person', () => {
    expect(complaints('4,id-ann')).toContain('links.csv:1 hr:4 is linked to another account, id-dan, already')
    expect(complaints('1,id-ann\n1,id-bob')).toContain(
      'links.csv:2 hr:1 is linked to another account, id-ann, by line 1',
    )
  })

  test('does not guess which of two sources a key is of', () => {
    expect(complaints('3,id-ann')).toContain('links.csv:1 several sources have the key "3"; write SOURCE:3')
    expect(readChoices('agency:3,id-ann', 'links.csv', three)).toEqual([{ identity: 'agency:3', nativeId: 'id-ann' }])
  })
})
