import { beforeAll, describe, expect, test } from 'vitest'
import { advance, lightIntake } from '../../../src/intake/index.ts'
import type { Identity, SourceRecord } from '../../../src/model/identity.ts'
import { DAY } from '../../../src/model/instant.ts'
import type { SourceSettings } from '../../../src/model/settings.ts'
import { column, expression, noon, person, recordOf, settingsWith } from './feed.ts'
import { compared, header, later, whole } from './light-feed.ts'

describe('one different row', () => {
  const settings = settingsWith({ contract: { required: ['Id'], rows: { min: 1, maxChange: 0.5 } } })
  const text = `${header}1,Ada,Boss,IT,,Active,2020-01-01,,,1
2,Bob,Last,IT,Ada Boss,Active,2020-01-01,,,1
3,Cid,Last,IT,Nobody Here,Active,2020-01-01,,,1
4,Dee,Last,IT,Ada Boss,Active,2020-01-01,,,1
`
  let first: Awaited<ReturnType<typeof whole>>
  beforeAll(async () => {
    first = await whole(settings, text)
  })
  const edit = async (from: string, to: string, some: Partial<SourceSettings> = {}) =>
    (await compared({ ...settings, ...some }, text.replace(from, to), first.memory, first.result)).light

  test('makes a leaver, and is an accepted read with its number, its digest and what it was compared with', async () => {
    const light = await edit('2,Bob,Last,IT,Ada Boss,Active', '2,Bob,Last,IT,Ada Boss,Gone')
    expect(light).toMatchObject({
      base: 1,
      receivedAt: later - 5,
      refused: null,
      accepted: { number: 2, rows: 4, active: 3, at: later, modifiedAt: later, mappingVersion: 'v1' },
      events: [{ kind: 'leaver', identity: 'hr:2' }],
    })
    expect(light?.accepted?.digest).toBe(text.replace('Boss,Active,2020-01-01,,,1\n3', 'Boss,Gone,2020-01-01,,,1\n3'))
    expect(light?.identities).toMatchObject([{ key: '2', state: 'left', references: { manager: 'hr:1' } }])
  })

  test('of somebody whose manager is nobody is decided, too', async () => {
    expect(await edit('Nobody Here,Active', 'Nobody Here,Gone')).toMatchObject({
      changed: [{ key: '3', state: 'left', references: { manager: null }, unresolved: { manager: 'Nobody Here' } }],
    })
  })

  test('that takes the manager away needs nobody else', async () => {
    expect(await edit('2,Bob,Last,IT,Ada Boss', '2,Bob,Last,IT,')).toMatchObject({
      changed: [{ key: '2', references: { manager: null } }],
    })
  })

  test('in a column that nobody uses changes nobody, and the next difference is found all the same', async () => {
    const raised = text.replace('Active,2020-01-01,,,1\n3', 'Active,2020-01-01,,,2\n3')
    const { look, light } = await compared(settings, raised, first.memory, first.result)
    if (look === null || light === null) throw new Error('a whole read is not needed')
    expect(light.changed).toEqual([])
    // The ledger stores nothing of it: what it knows is the first read.
    const stored = { identities: first.result.identities, accepted: light.accepted }
    const gone = raised.replace('2,Bob,Last,IT,Ada Boss,Active', '2,Bob,Last,IT,Ada Boss,Gone')
    expect((await compared(settings, gone, look.memory, stored)).light?.events).toMatchObject([{ kind: 'leaver' }])
  })

  test('that cannot be understood is set aside and told', async () => {
    const light = await edit('2,Bob,Last,IT,Ada Boss,Active', '2,Bob,Last,IT,Ada Boss,Retired')
    expect(light?.changed).toEqual([])
    expect(light?.problems).toMatchObject([{ severity: 'error', path: 'Status', place: { line: 3 } }])
  })

  test.for<[string, string, string, Partial<SourceSettings>]>([
    ['refers to somebody else', '4,Dee,Last,IT,Ada Boss', '4,Dee,Last,IT,Bob Last', {}],
    ['is called otherwise', '1,Ada,Boss', '1,Ada,Chief', {}],
    [
      'belongs to a feed that is older than it may be',
      'Boss,Active',
      'Boss,Gone',
      {
        contract: { required: [], rows: { min: 1, maxChange: 1 }, maxAge: -1 },
      },
    ],
    [
      'belongs to a feed with too few rows',
      'Boss,Active',
      'Boss,Gone',
      {
        contract: { required: [], rows: { min: 9, maxChange: 1 } },
      },
    ],
    [
      'is read with another mapping',
      'Boss,Active',
      'Boss,Gone',
      {
        identity: settingsWith({ mapping: { version: 'v2' } }).identity,
      },
    ],
    ['is read in another zone', 'Boss,Active', 'Boss,Gone', { timezone: 'Asia/Tokyo' }],
    [
      'needs a column that is not there',
      'Boss,Active',
      'Boss,Gone',
      {
        contract: { required: ['Nick'], rows: { min: 1, maxChange: 1 } },
      },
    ],
  ])('needs a whole read where it %s', async ([, from, to, some]) => {
    expect(await edit(from, to, some)).toBeNull()
  })

  test('needs a whole read where the contract would refuse so many', async () => {
    expect(
      await edit('Ada Boss,Active', 'Ada Boss,Gone', { contract: { required: [], rows: { min: 1, maxChange: 0 } } }),
    ).not.toBeNull()
    const all = text.replaceAll('Active', 'Gone')
    expect((await compared(settings, all, first.memory, first.result)).light).toBeNull()
  })

  test('needs a whole read where the ledger knows another state, or somebody not at all', async () => {
    const to = text.replace('Nobody Here,Active', 'Nobody Here,Gone')
    const { identities, accepted } = first.result
    if (accepted === null) throw new Error('the first read was refused')
    const known = (change: Partial<Identity>) =>
      identities.map((one) => (one.key === '3' ? { ...one, ...change } : one))
    for (const other of [
      { identities, accepted: null },
      { identities, accepted: { ...accepted, digest: 'other' } },
      { identities: [], accepted },
      { identities: known({ vanishedAt: noon }), accepted },
      { identities: known({ status: 'suspended' }), accepted },
      { identities: known({ attributes: {} }), accepted },
      { identities: known({ unresolved: { manager: 'Somebody Else' } }), accepted },
      { identities: known({ unresolved: {} }), accepted },
    ]) {
      expect((await compared(settings, to, first.memory, other)).light).toBeNull()
    }
  })

  test('needs a whole read where it was set aside, or is nobody in particular', async () => {
    const { identities, accepted } = first.result
    const ask = (before: SourceRecord, after: SourceRecord, more: readonly SourceRecord[] = []) => {
      const read = { before: [before, ...more], after: [after], base: text, digest: 'next', modifiedAt: noon, rows: 4 }
      return lightIntake(settings)({ ...read, previous: identities, lastRead: accepted, now: later, receivedAt: later })
    }
    const bob = { Id: '2', First: 'Bob', Department: 'IT', Manager: 'Ada Boss', Start: '2020-01-01' }
    const [was, is] = [recordOf(bob, 3), recordOf({ ...bob, Status: 'Gone' }, 3)]
    expect(ask(was, is)?.events).toMatchObject([{ kind: 'leaver' }])
    expect(ask({ ...was, problem: 'too few fields' }, is)).toBeNull()
    expect(ask(recordOf({ ...bob, Status: 'Retired' }, 3), is)).toBeNull()
    expect(ask({ ...was, key: null }, { ...is, key: null })).toBeNull()
    expect(ask(was, is, [recordOf({ ...bob, Id: '3' }, 4)])).toBeNull()
  })

  test('needs a whole read where its reference could not be understood', async () => {
    const manager = {
      ...expression('row.Manager.split("|")[1]'),
      reference: 'displayName',
      unresolved: 'keep' as const,
    }
    const odd = settingsWith({ mapping: { references: { manager } } })
    const [from, to] = [text, text.replace('2,Bob,Last,IT,Ada Boss', '2,Bob,Last,IT,x|Ada Boss')]
    const known = await whole(odd, from, first.result)
    expect((await compared(odd, to, known.memory, known.result)).light).toBeNull()
  })

  test('is compared with an accepted read that was not numbered yet as with the first', async () => {
    const { identities, accepted } = first.result
    if (accepted === null) throw new Error('the first read was refused')
    const { number, ...unnumbered } = accepted
    expect(number).toBe(1)
    const to = text.replace('Nobody Here,Active', 'Nobody Here,Gone')
    const { light } = await compared(settings, to, first.memory, { identities, accepted: unnumbered })
    expect(light).toMatchObject({ base: 0, accepted: { number: 1 } })
  })

  test('needs a whole read where the texts are held back until they fit somebody', async () => {
    const { references } = settingsWith().identity
    const manager = { ...column('Manager'), reference: 'displayName', unresolved: 'hold' as const }
    const strict = settingsWith({ mapping: { references: { ...references, manager } } })
    const known = await whole(strict, text.replace('Nobody Here', 'Ada Boss'))
    const held = await whole(strict, text, known.result, noon + 1)
    const gone = text.replace('Nobody Here,Active', 'Nobody Here,Gone')
    expect((await compared(strict, gone, held.memory, held.result)).light).toBeNull()
    const fine = text.replace('4,Dee,Last,IT,Ada Boss,Active', '4,Dee,Last,IT,Ada Boss,Gone')
    expect((await compared(strict, fine, held.memory, held.result)).light?.events).toMatchObject([{ kind: 'leaver' }])
  })
})

describe('the clock alone', () => {
  const settings = settingsWith()
  const text = `${header}1,Ada,Boss,IT,,Active,2020-01-01,2026-06-16,,1\n2,Bob,Last,IT,Ada Boss,Active,2026-06-16,,,1\n`

  test('ends and begins employment, compared with no read', async () => {
    const { result } = await whole(settings, text)
    const advanced = advance(settings, result.identities, later, later + 3)
    expect(advanced.events.map(({ kind, identity }) => [kind, identity])).toEqual([
      ['leaver', 'hr:1'],
      ['joiner', 'hr:2'],
    ])
    expect(advanced).toMatchObject({ source: 'hr', accepted: null, refused: null, receivedAt: later + 3 })
    expect(advanced).not.toHaveProperty('base')
    expect(person(advanced, '2').references).toEqual({ manager: 'hr:1' })
  })

  test('changes nobody for whom nothing is due', async () => {
    const { result } = await whole(settings, text)
    expect(advance(settings, result.identities, noon + 1, noon).changed).toEqual([])
  })

  test('holds whom the feed no longer has, but suspends nobody', async () => {
    for (const [then, held] of [
      ['hold', true],
      ['suspend', false],
    ] as const) {
      const some = settingsWith({ vanished: { after: DAY, then } })
      const { result } = await whole(some, text)
      const missing = await whole(some, text.replace(/^2.*\n/m, ''), result, noon + 1)
      const advanced = person(advance(some, missing.result.identities, noon + 9 * DAY, noon), '2')
      expect([advanced.state, advanced.held !== null]).toEqual([held ? 'pre-hire' : 'active', held])
    }
  })
})
