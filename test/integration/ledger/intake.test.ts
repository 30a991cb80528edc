import { describe, expect, test } from 'vitest'
import type { AcceptedRead } from '../../../src/model/identity.ts'
import * as s from './samples.ts'

const refused = { source: 'hr', at: s.now + 7, why: '3 rows, at least 10 are expected', hint: 'look at the file' }

function accepted(rest: Partial<AcceptedRead> = {}): AcceptedRead {
  return { source: 'hr', at: s.now, rows: 10, active: 9, modifiedAt: s.now - 5, mappingVersion: 'v1', ...rest }
}

describe('reads of a source', () => {
  test('are numbered as they are accepted, each with the digest of its bytes; a refused one does not count', async () => {
    const ledger = await s.ledgerWith(0)
    expect(await ledger.acceptedRead('hr')).not.toHaveProperty('digest')
    await ledger.saveIntake(s.intake([], { accepted: accepted({ digest: 'aa' }), base: 1 }), 'c')
    expect(await ledger.acceptedRead('hr')).toEqual(accepted({ digest: 'aa', number: 2 }))
    await ledger.saveIntake(s.intake([], { accepted: null, refused, base: 2 }), 'c')
    expect(await ledger.acceptedRead('hr')).toMatchObject({ digest: 'aa', number: 2 })
    await ledger.saveIntake(s.intake([], { base: 2 }), 'c')
    expect(await ledger.acceptedRead('hr')).toEqual(accepted({ number: 3 }))
    const other = accepted({ source: 'crm' })
    await ledger.saveIntake(s.intake([], { source: 'crm', accepted: other, base: 0 }), 'c')
    expect(await ledger.acceptedRead('crm')).toEqual({ ...other, number: 1 })
  })

  test.each([
    ['accepted', s.intake([s.person('p1', { state: 'left' })], { base: 1 })],
    ['refused', s.intake([s.person('p1', { state: 'left' })], { base: 1, accepted: null, refused })],
    ['accepted, and knew of no other', s.intake([s.person('p1', { state: 'left' })], { base: 0 })],
    ['accepted, and knew of one that the ledger lost', s.intake([s.person('p1', { state: 'left' })], { base: 9 })],
  ])('one that was %s is not saved when another was accepted meanwhile', async (_, late) => {
    const ledger = await s.ledgerWith(1)
    await ledger.saveIntake(s.intake([], { accepted: accepted({ rows: 11 }), base: 1 }), 'winner')
    const before = await ledger.identities()
    const marks = await ledger.marked(10)
    const event = { kind: 'leaver', identity: 'hr:p1', effectiveAt: 1, observedAt: 2, changed: [] } as const
    const events = [{ ...event, reason: { kind: 'source', text: 'left' } as const }]
    await expect(ledger.saveIntake({ ...late, events }, 'late')).rejects.toMatchObject({
      code: 'read-overtaken',
      class: 'retry',
      message: expect.stringContaining('read 2 is in force') as string,
    })
    expect(await ledger.identities()).toEqual(before)
    expect(await ledger.acceptedRead('hr')).toMatchObject({ rows: 11, number: 2 })
    expect(await ledger.lastRefusal('hr')).toBeNull()
    expect(await ledger.events('hr:p1', 10)).toEqual([])
    expect(await ledger.marked(10)).toEqual(marks)
  })

  test('of several that were compared with the same one, one is saved', async () => {
    const ledger = await s.ledgerWith(1)
    const read = (n: number) => s.intake([s.person('p1', { recordHash: `h${n}` })], { base: 1 })
    const saved = await Promise.allSettled([1, 2, 3].map((n) => ledger.saveIntake(read(n), `c${n}`)))
    expect(saved.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(await ledger.identities()).toMatchObject([{ recordHash: 'h1', revision: 2 }])
  })
})

describe('a changed person', () => {
  test('has a higher revision with every description that is stored, and the others keep theirs', async () => {
    const ledger = await s.ledgerWith(2)
    const revisions = async () => (await ledger.identities()).map(({ id, revision }) => [id, revision])
    await ledger.saveIntake(s.intake([s.person('p2', { state: 'left' }), s.person('p3', { revision: 77 })]), 'c')
    expect(await revisions()).toEqual([
      ['hr:p1', 1],
      ['hr:p2', 2],
      ['hr:p3', 1],
    ])
    await ledger.saveIntake(s.intake([s.person('p2')], { accepted: null, refused }), 'c')
    expect(await revisions()).toContainEqual(['hr:p2', 3])
  })

  test('is marked by the same write, with the moment when the change was noticed', async () => {
    const ledger = await s.ledgerWith(0)
    await ledger.saveIntake(s.intake([s.person('p1')], { receivedAt: s.now - 40 }), 'noticed')
    await ledger.saveIntake(s.intake([s.person('p2')]), 'read')
    await ledger.saveIntake(s.intake([s.person('p1')], { accepted: null, refused }), 'by the clock')
    const marks = (await ledger.marked(10)).map(({ id: _, ...mark }) => mark)
    expect(marks).toEqual([
      { identity: 'hr:p1', cause: 'feed', since: s.now - 40, correlation: 'noticed' },
      { identity: 'hr:p2', cause: 'feed', since: s.now, correlation: 'read' },
      { identity: 'hr:p1', cause: 'clock', since: s.now + 7, correlation: 'by the clock' },
    ])
  })
})
