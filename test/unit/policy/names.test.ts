import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compilePolicy } from '../../../src/policy/index.ts'
import { expression, now, person, platform, role, settings } from './company.ts'

type Kind = 'ldap' | 'active-directory'
interface Sketch {
  readonly key?: string
  readonly kind?: Kind
  readonly name?: readonly string[]
}

function candidates(givenName: string, surname: string, { key = '7', kind = 'ldap', name }: Sketch = {}): string[] {
  const accounts = name === undefined ? {} : { name: name.map((text) => expression(text)) }
  const mapping = settings([role('employee', { accounts: ['wiki'] })], [platform('wiki', accounts, { kind })])
  const who = person(key, { attributes: { givenName, surname } })
  return [...compilePolicy(mapping).desire(who, 'wiki', [], now).names()]
}

const first = (givenName: string, surname: string, sketch?: Sketch) => candidates(givenName, surname, sketch)[0]

describe('names', () => {
  it.each([
    ['Ada', 'Byron', 'ada.byron'],
    [' José ', 'Muñoz ', 'jose.munoz'],
    ['Zoë', "O'Connor", 'zoe.oconnor'],
    ['Zoë', 'O’Connor', 'zoe.oconnor'],
    ['Anna Maria', 'van der Berg', 'annamaria.vanderberg'],
    ['Jean-Luc', 'Strauß', 'jean-luc.strauss'],
    ['Łukasz', 'Żółć', 'lukasz.zolc'],
    ['Søren', 'Ærø', 'soren.aero'],
    ['Martin', 'King Jr.', 'martin.kingjr'],
    ['', 'Madonna', 'madonna'],
    ['Madonna', '', 'madonna'],
    ['x..', '.-y', 'x.y'],
    ['秀英', '王', 'xiuying.wang'],
    ['Анна', 'Иванова', 'anna.ivanova'],
    ['Νίκος', 'Παππάς', 'nikos.pappas'],
  ])('%s %s becomes %s', (givenName, surname, expected) => {
    expect(first(givenName, surname)).toBe(expected)
  })

  it('a name of which nothing is left is made from the key', () => {
    expect(first('-', '...', { key: 'E-1042' })).toBe('e-1042')
    expect(first('', '', { key: '1042' })).toBe('u1042')
    expect(first('', '', { key: '1042', kind: 'active-directory' })).toBe('1042')
    expect(candidates('', '', { key: '1042' }).slice(0, 3)).toEqual(['u1042', 'u10422', 'u10423'])
  })

  it('and is never empty, whatever the key is', () => {
    expect(first('', '', { key: '--' })).toBe('u1919')
    expect(first('', '', { key: '', kind: 'active-directory' })).toBe('u')
  })

  it('a login name on Linux begins with a letter', () => {
    expect(first('3', 'Body')).toBe('u3.body')
    expect(first('3', 'Body', { kind: 'active-directory' })).toBe('3.body')
  })

  it('what is too long loses its end, and no dot is left there', () => {
    const long = 'Wolfeschlegelsteinhausenbergerdorff'
    expect(first('Hubert', long)).toBe('hubert.wolfeschlegelsteinhausenb')
    expect(first('Hubert', long, { kind: 'active-directory' })).toBe('hubert.wolfeschlegel')
    expect(first('Wolfeschlegelsteinh', 'X', { kind: 'active-directory' })).toBe('wolfeschlegelsteinh')
  })

  it('the counter begins at 2 and keeps its digits when the name is too long', () => {
    const names = candidates('Hubert', 'Wolfeschlegelsteinhausen', { kind: 'active-directory' })
    expect(names.slice(0, 3)).toEqual(['hubert.wolfeschlegel', 'hubert.wolfeschlege2', 'hubert.wolfeschlege3'])
    expect(names).toContain('hubert.wolfeschleg10')
    expect(names.at(-1)).toBe('hubert.wolfeschl1001')
  })

  it('the counter may stand first or in the middle', () => {
    const middle = candidates('Hubert', 'Wolfeschlegelsteinhausen', {
      kind: 'active-directory',
      name: ['person.givenName + string(n) + "." + person.surname'],
    })
    expect(middle.slice(0, 2)).toEqual(['hubert2.wolfeschlege', 'hubert3.wolfeschlege'])
    expect(candidates('A', 'B', { name: ['string(n) + person.surname'] }).slice(0, 2)).toEqual(['u2b', 'u3b'])
  })

  it('a counter that does not show gives one name only', () => {
    expect(candidates('Ada', 'Byron', { name: ['n > 0 ? person.givenName : "x"'] })).toEqual(['ada'])
  })

  it('an expression may calculate with the counter', () => {
    const names = candidates('Ada', 'B', { name: ['person.givenName + string(n + 5)'] })
    expect(names.slice(0, 2)).toEqual(['ada7', 'ada8'])
  })

  it('are bounded', () => {
    expect(candidates('Ada', 'Byron')).toHaveLength(1_001)
  })

  it('are always legal, never empty and all different', () => {
    const legal: Record<Kind, RegExp> = {
      ldap: /^[a-z][a-z0-9._-]{0,31}$/,
      'active-directory': /^[a-z0-9][a-z0-9._-]{0,19}$/,
    }
    const text = fc.string({ unit: 'grapheme', maxLength: 40 })
    const kind = fc.constantFrom<Kind>('ldap', 'active-directory')
    fc.assert(
      fc.property(text, text, text, kind, (givenName, surname, key, which) => {
        const all = candidates(givenName, surname, { key, kind: which })
        expect(all.length).toBeGreaterThan(900)
        expect(new Set(all).size).toBe(all.length)
        for (const name of all) {
          if (!legal[which].test(name) || /[._-]$/.test(name)) throw new Error(`illegal: ${name}`)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('where the long part is before the counter, every number gives a name of its own', () => {
    const given = fc.stringMatching(/^[a-z]{1,40}$/)
    fc.assert(
      fc.property(given, given, (givenName, surname) => {
        expect(candidates(givenName, surname, { kind: 'active-directory' })).toHaveLength(1_001)
      }),
      { numRuns: 40 },
    )
  })
})
