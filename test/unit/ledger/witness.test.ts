import { describe, expect, test } from 'vitest'
import { isBehind, parse } from '../../../src/ledger/witness.ts'

const witness = { ledger: 'a', beat: 7, file: '1:2', log: null }

describe('a ledger is behind its witness', () => {
  test.each([
    [{ ledger: 'a', beat: 6 }, true],
    [{ ledger: 'b', beat: 9 }, true],
    [{ ledger: 'a', beat: 7 }, false],
    [{ ledger: 'a', beat: 8 }, false],
  ])('%j: %s', (standing, expected) => {
    expect(isBehind(standing, witness)).toBe(expected)
  })

  test('where there is none it is not, and where it cannot be understood it is', () => {
    expect(isBehind({ ledger: 'a', beat: 7 }, 'none')).toBe(false)
    expect(isBehind({ ledger: 'a', beat: 7 }, 'unclear')).toBe(true)
  })
})

test('a witness is understood whole or not at all', () => {
  expect(parse(JSON.stringify({ ...witness, explanation: 'for people' }))).toEqual(witness)
  for (const text of [
    '',
    'restored',
    'null',
    '[]',
    '{"ledger":"a","beat":7}',
    '{"ledger":"a","beat":"7","file":"1:2","log":null}',
  ])
    expect(parse(text)).toBe('unclear')
})
