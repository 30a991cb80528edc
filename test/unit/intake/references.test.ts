import { describe, expect, test } from 'vitest'
import { person, read, recordsOf, settingsWith } from './feed.ts'
import type { Row } from './feed.ts'

const mapped = (some: { reference?: string; unresolved?: 'keep' | 'clear' | 'hold' }) => {
  const { manager } = settingsWith().identity.references
  if (manager === undefined) throw new Error('the feed has a manager')
  return settingsWith({ mapping: { references: { manager: { ...manager, ...some } } } })
}

const boss: Row = { Id: '1', First: 'Grace', Last: 'Hopper' }
const report: Row = { Id: '2', Manager: ' Grace  Hopper ' }
const managerOf = (result: Parameters<typeof person>[0], key = '2') => person(result, key).references['manager']

describe('a reference', () => {
  test('finds the person in whatever order they stand, padding or not', () => {
    expect(managerOf(read(recordsOf([boss, report])))).toBe('hr:1')
    expect(managerOf(read(recordsOf([report, boss])))).toBe('hr:1')
  })

  test('falls back to another case where nobody fits exactly', () => {
    expect(managerOf(read(recordsOf([boss, { Id: '2', Manager: 'GRACE HOPPER' }])))).toBe('hr:1')
    const both = [boss, { Id: '3', First: 'grace', Last: 'hopper' }]
    expect(managerOf(read(recordsOf([...both, { Id: '2', Manager: 'grace hopper' }])))).toBe('hr:3')
    expect(managerOf(read(recordsOf([...both, { Id: '2', Manager: 'GRACE HOPPER' }])))).toBeNull()
  })

  test('may be by key', () => {
    const settings = mapped({ reference: 'key' })
    expect(managerOf(read(recordsOf([boss, { Id: '2', Manager: '1' }]), { settings }))).toBe('hr:1')
    expect(managerOf(read(recordsOf([boss, { Id: '2', Manager: '9' }]), { settings }))).toBeNull()
  })

  test('is repaired when the other person appears, although the row is the same', () => {
    const first = read(recordsOf([report]))
    expect(managerOf(first)).toBeNull()
    const second = read(recordsOf([report, boss]), { after: first })
    expect(managerOf(second)).toBe('hr:1')
    expect(second.events).toMatchObject([{ kind: 'mover', identity: 'hr:2', changed: ['manager'] }, { kind: 'joiner' }])
  })

  test('is repaired in a feed of changes too, where the row does not come again', () => {
    const settings = settingsWith({ content: 'delta' })
    const first = read(recordsOf([report]), { settings })
    expect(person(first, '2').unresolved).toEqual({ manager: 'Grace Hopper' })
    const second = read(recordsOf([boss]), { settings, after: first })
    expect(person(second, '2')).toMatchObject({ references: { manager: 'hr:1' } })
    expect(person(second, '2')).not.toHaveProperty('unresolved')
  })

  test('that fits nobody is told when its row comes, and not again with every change of others', () => {
    const settings = settingsWith({ content: 'delta' })
    const first = read(recordsOf([report]), { settings })
    const second = read(recordsOf([{ Id: '3' }]), { settings, after: first })
    expect([first.problems.length, second.problems.length]).toEqual([1, 0])
    expect(person(second, '2').unresolved).toEqual({ manager: 'Grace Hopper' })
  })

  test('to several people of one name is never guessed', () => {
    const result = read(recordsOf([boss, { ...boss, Id: '3' }, report]))
    expect(managerOf(result)).toBeNull()
    expect(result.problems.map(({ message }) => message)).toEqual([
      '"Grace Hopper" is the displayName of several people, 1, 3 (1 row)',
    ])
  })

  test('that is emptied means nobody', () => {
    const first = read(recordsOf([boss, report]))
    expect(managerOf(read(recordsOf([boss, { Id: '2' }]), { after: first }))).toBeNull()
  })

  test('of a row that is set aside stays', () => {
    const first = read(recordsOf([boss, report]))
    const second = read(recordsOf([boss, { ...report, Status: '?' }]), { after: first })
    expect(managerOf(second)).toBe('hr:1')
  })
})

describe('a reference to nobody', () => {
  const lost: Row = { Id: '2', Manager: 'Nobody Here' }

  test('is warned of once for each text, however many rows have it', () => {
    const result = read(recordsOf([lost, { ...lost, Id: '3' }, { ...lost, Id: '4', Manager: 'Other' }]))
    expect(result.problems).toMatchObject([
      {
        severity: 'warning',
        path: 'manager',
        place: { line: 2 },
        message: `"Nobody Here" is nobody's displayName (2 rows)`,
      },
      { severity: 'warning', message: `"Other" is nobody's displayName (1 row)` },
    ])
  })

  test('is one to an attribute that nobody has', () => {
    expect(managerOf(read(recordsOf([boss, report]), { settings: mapped({ reference: 'nickname' }) }))).toBeNull()
  })

  test('keeps the last that was found, or clears it, as configured', () => {
    const first = read(recordsOf([boss, report]))
    expect(managerOf(read(recordsOf([boss, lost]), { after: first }))).toBe('hr:1')
    expect(
      managerOf(read(recordsOf([boss, lost]), { after: first, settings: mapped({ unresolved: 'clear' }) })),
    ).toBeNull()
  })

  test('holds the record as it was, where configured', () => {
    const settings = mapped({ unresolved: 'hold' })
    const first = read(recordsOf([boss, report]), { settings })
    const second = read(recordsOf([boss, { ...lost, Department: 'New' }]), { settings, after: first })
    expect(person(second, '2')).toMatchObject({ references: { manager: 'hr:1' }, attributes: { department: '' } })
    // Only that the text fits nobody is remembered.
    const { unresolved, ...rest } = person(second, '2')
    expect([unresolved, rest]).toEqual([{ manager: 'Nobody Here' }, { ...person(first, '2'), place: rest.place }])
    expect(second.events).toEqual([])
    expect(second.problems).toMatchObject([{ severity: 'error', path: 'manager', place: { line: 3 } }])
  })

  test('holds new people back, and whoever refers to them', () => {
    const settings = mapped({ unresolved: 'hold' })
    const chain: Row[] = [
      { Id: '3', Manager: 'Second Last' },
      { Id: '2', First: 'Second', Manager: 'Nobody Here' },
      { Id: '4', First: 'Fourth', Manager: 'Fourth Last' },
    ]
    const result = read(recordsOf(chain), { settings })
    expect(result.identities.map(({ key }) => key)).toEqual(['4'])
    expect(result.problems.map(({ place }) => place.line)).toEqual([2, 3])
  })
})
