import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compilePolicy } from '../../../src/policy/index.ts'
import { now, person, place, platform, role, settings } from './company.ts'

const names = (assignments: readonly { readonly role: string }[]) => assignments.map((one) => one.role)

describe('roles', () => {
  it('a role without a condition is for everybody', () => {
    const policy = compilePolicy(settings([role('employee')]))
    expect(names(policy.assignments(person('1'), [], now))).toEqual(['employee'])
  })

  it('a condition decides, and the reason names the place of the rule', () => {
    const policy = compilePolicy(settings([role('seller', { when: 'person.department == "Sales"', line: 40 })]))
    expect(policy.assignments(person('1'), [], now)).toEqual([
      { role: 'seller', reason: { kind: 'rule', text: 'role seller', place: place(40) } },
    ])
    const other = person('2', { attributes: { department: 'IT' } })
    expect(policy.assignments(other, [], now)).toEqual([])
  })

  it('an included role comes along without being asked, with the place of the inclusion as its reason', () => {
    const employee = role('employee', {
      when: 'false',
      accounts: ['wiki'],
      entitlements: { wiki: ['staff'] },
      line: 20,
    })
    const policy = compilePolicy(settings([role('seller', { includes: ['employee'], line: 30 }), employee]))
    const reason = { kind: 'rule', text: 'role employee, included by seller', place: place(34) }
    expect(policy.assignments(person('1'), [], now)[1]).toEqual({ role: 'employee', reason })
    const desired = policy.desire(person('1'), 'wiki', [], now)
    expect(desired).toMatchObject({ state: 'open', create: true })
    expect(desired.reason).toEqual({ ...reason, place: place(22) })
    expect(desired.entitlements).toEqual([{ name: 'staff', reason: { ...reason, place: place(23) } }])
  })

  it('a loop of inclusions and an unknown one end by themselves', () => {
    const loop = [role('a', { includes: ['b', 'nowhere'] }), role('b', { includes: ['a'] })]
    expect(names(compilePolicy(settings(loop)).assignments(person('1'), [], now))).toEqual(['a', 'b'])
  })

  it('what two roles give is given once, for the reason of the stronger one', () => {
    const gives = { accounts: ['wiki'], entitlements: { wiki: ['staff'] } }
    const policy = compilePolicy(
      settings([role('first', { ...gives, includes: ['second'] }), role('second', { ...gives, line: 50 })]),
    )
    const desired = policy.desire(person('1'), 'wiki', [], now)
    expect(desired.entitlements.map(({ name, reason }) => [name, reason.text])).toEqual([['staff', 'role first']])
    expect(policy.assignments(person('1'), [], now)[1]?.reason.text).toBe('role second')
  })

  it.each(['pre-hire', 'suspended'] as const)('%s people hold their roles', (state) => {
    const policy = compilePolicy(settings([role('employee')]))
    expect(names(policy.assignments(person('1', { state }), [], now))).toEqual(['employee'])
  })

  it.each(['left', 'archived'] as const)('%s people hold none', (state) => {
    const policy = compilePolicy(settings([role('employee')]))
    expect(policy.assignments(person('1', { state }), [], now)).toEqual([])
  })

  it('conditions may read references, keys and attributes that are missing', () => {
    const policy = compilePolicy(
      settings([
        role('of-boss', { when: 'person.manager == "hr:9"' }),
        role('seven', { when: 'key == "7"' }),
        role('no-phone', { when: 'person.phone == ""' }),
      ]),
    )
    const lonely = person('7', { references: { manager: null } })
    expect(names(policy.assignments(person('1', { references: { manager: 'hr:9' } }), [], now))).toEqual([
      'of-boss',
      'no-phone',
    ])
    expect(names(policy.assignments(lonely, [], now))).toEqual(['seven', 'no-phone'])
  })

  it('a rule that fails for one person holds that person and nobody else', () => {
    const policy = compilePolicy(settings([role('odd', { when: 'person.title.split(" ")[1] == "Boss"', linger: 5 })]))
    const broken = person('1', { attributes: { title: 'Clerk' } })
    const held = [{ identity: 'hr:1', role: 'odd', since: now - 9, lostAt: null }]
    expect(policy.desire(broken, 'wiki', held, now).held).toContain('roles.yaml:11')
    expect(policy.heldRoles(broken, held, now)).toBe(held)
    expect(() => policy.assignments(broken, [], now)).toThrow('failed')
    expect(policy.desire(person('2', { attributes: { title: 'Big Boss' } }), 'wiki', [], now).held).toBeNull()
  })

  it('other mistakes are not swallowed', () => {
    const policy = compilePolicy(settings([role('employee')]))
    const impossible = { ...person('1'), references: null } as unknown as Parameters<typeof policy.desire>[0]
    expect(() => policy.desire(impossible, 'wiki', [], now)).toThrow(TypeError)
  })

  it('an unknown platform is an error that names the known ones', () => {
    const policy = compilePolicy(settings([], [platform('wiki'), platform('corp-ad')]))
    expect(() => policy.desire(person('1'), 'git', [], now)).toThrow('configured are: wiki, corp-ad')
  })

  it('the index and the memory give what asking every rule would give', () => {
    const value = fc.constantFrom('A', 'B', 'C', '')
    const condition = fc.oneof(
      value.map((text) => `person.department == "${text}"`),
      fc.tuple(value, value).map(([a, b]) => `person.department == "${a}" && person.title == "${b}"`),
      fc.tuple(value, value).map(([a, b]) => `person.department == "${a}" || person.title == "${b}"`),
      fc.constantFrom('key == "3"', 'person.title != "A"', 'person.title.startsWith("B")'),
    )
    const people = fc.array(fc.record({ key: fc.constantFrom('1', '2', '3'), department: value, title: value }))
    fc.assert(
      fc.property(fc.array(condition, { maxLength: 8 }), people, (conditions, sketches) => {
        const roles = conditions.map((when, at) => role(`r${at}`, { when }))
        const policy = compilePolicy(settings(roles))
        for (const { key, department, title } of sketches) {
          const expected = conditions.flatMap((when, at) => (holds(when, key, department, title) ? [`r${at}`] : []))
          expect(names(policy.assignments(person(key, { attributes: { department, title } }), [], now))).toEqual(
            expected,
          )
        }
      }),
    )
  })

  it('does not mistake people whose values run together for each other', () => {
    const policy = compilePolicy(
      settings([role('a', { when: 'person.department.startsWith("x") || person.title.startsWith("1")' })]),
    )
    const asked = [
      person('1', { attributes: { department: 'x1:y', title: '' } }),
      person('2', { attributes: { department: '', title: 'x1:y' } }),
    ]
    expect(asked.map((one) => policy.assignments(one, [], now).length)).toEqual([1, 0])
  })

  it('remembers no more than there are kinds of people, and forgets before it grows', () => {
    const policy = compilePolicy(settings([role('a', { when: 'person.title.startsWith("1")' })]))
    for (let at = 0; at < 10_002; at += 1) {
      const expected = `${at}`.startsWith('1') ? ['a'] : []
      expect(names(policy.assignments(person('1', { attributes: { title: `${at}` } }), [], now))).toEqual(expected)
    }
  })
})

/** An independent reading of the conditions that the property test makes. */
function holds(when: string, key: string, department: string, title: string): boolean {
  if (when.startsWith('key')) return key === '3'
  if (when.startsWith('person.title !=')) return title !== 'A'
  if (when.startsWith('person.title.starts')) return title.startsWith('B')
  const [a = '', b] = [...when.matchAll(/"(\w*)"/g)].map((match) => match[1] ?? '')
  if (b === undefined) return department === a
  return when.includes('&&') ? department === a && title === b : department === a || title === b
}
