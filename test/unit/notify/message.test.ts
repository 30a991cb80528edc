import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { NoticeNews } from '../../../src/model/running.ts'
import { gather, isEmpty, nothingGathered, take } from '../../../src/notify/gather.ts'
import { compose } from '../../../src/notify/message.ts'
import type { Message } from '../../../src/notify/message.ts'
import { fit, plainText } from '../../../src/notify/text.ts'
import { down, late, many, noon } from './samples.ts'

const about = { id: 'msg_1', at: noon + 65_000, host: 'host1' }
const messageOf = (news: Partial<NoticeNews>): Message => compose({ begun: [], over: [], ...news }, about)

describe('a message', () => {
  test('says in its subject how many there are of each kind, the worst first', () => {
    const news = { begun: [down('corp-ad'), late(1), late(2), late(3)] }
    expect(messageOf(news).subject).toBe('Keyturn: 3 revocations late, 1 platform down')
  })

  test('tells a hold that keeps leavers signed in by its own name, above people who are held', () => {
    const leavers = late(1, { kind: 'leavers-withheld', severity: 'page' })
    const person = late(2, { kind: 'person-held', severity: 'warn' })
    const message = messageOf({ begun: [person, leavers] })
    expect(message.subject).toBe('Keyturn: 1 hold that keeps leavers signed in, 1 person who is held')
    expect(message.severity).toBe('page')
  })

  test('names what is over again', () => {
    expect(messageOf({ over: [down('wiki')] }).subject).toBe('Keyturn: over again: 1 platform down')
    expect(messageOf({ begun: [late(1)], over: [down('wiki'), down('corp-ad')] }).subject).toBe(
      'Keyturn: 1 revocation late; over again: 2 platforms down',
    )
  })

  test('is one message of twenty lines and a number for a thousand late revocations', () => {
    const text = plainText(messageOf({ begun: many(1_000) }))
    expect(text).toContain('1,000 revocations late (page)\n')
    expect(text.match(/^- hr:/gm)).toHaveLength(20)
    expect(text).toContain('- and 980 more\n')
  })

  test('shows everything of a quiet night, with its time and where to look', () => {
    expect(plainText(messageOf({ begun: [late(7)], over: [down('wiki')] }))).toBe(
      [
        'Keyturn on host1, 2026-11-22T12:01:05Z',
        '',
        '1 revocation late (page)',
        '- hr:7 should have been shut on corp-ad 30 s ago (since 2026-11-22T12:00:00Z)',
        '',
        'over again: 1 platform down',
        '- It is over, and was told at 2026-11-22T12:00:00Z: wiki does not answer',
        '',
        'How it stands now: keyturn status',
        '',
      ].join('\n'),
    )
  })

  test('shows the longest waiting first', () => {
    const text = plainText(messageOf({ begun: [late(1), late(2, { since: noon - 60_000 })] }))
    expect(text.indexOf('hr:2')).toBeLessThan(text.indexOf('hr:1'))
  })

  test('is as severe as the worst in it, and not for what is over', () => {
    expect(messageOf({ begun: [down('corp-ad'), late(1)] }).severity).toBe('page')
    expect(messageOf({ begun: [down('corp-ad')] }).severity).toBe('warn')
    expect(messageOf({ over: [late(1)] }).severity).toBe('info')
  })

  test('puts a kind that pages before a worse-sounding kind that only warns', () => {
    const news = { begun: [late(1, { severity: 'warn' }), down('corp-ad', { severity: 'page' })] }
    expect(messageOf(news).subject).toBe('Keyturn: 1 platform down, 1 revocation late')
  })

  test('cannot be steered by line ends and direction marks that a platform puts into its words', () => {
    const text = plainText(messageOf({ begun: [late(1, { text: 'refused\r\n\r\nBcc: everybody\u202e' })] }))
    expect(text).toContain('- refused Bcc: everybody (since')
  })

  test('cuts a sentence that never ends', () => {
    const text = plainText(messageOf({ begun: [late(1, { text: 'x'.repeat(5_000) })] }))
    expect(text.length).toBeLessThan(800)
    expect(text).toContain('x…')
  })

  test('cuts what is quoted, never the end of a sentence that says what to do', () => {
    const way = 'Look with "keyturn holds show 7", release with "keyturn holds approve 7 --reason TEXT".'
    const text = plainText(messageOf({ begun: [late(1, { text: `${'x'.repeat(5_000)} ${way}` })] }))
    expect(text).toMatch(/x…x/)
    expect(text).toContain(`x ${way} (since`)
  })

  test('leaves lines out, and never counts, where a receiver takes only so much', () => {
    const message = messageOf({
      begun: [...many(50), ...many(9).map((one) => ({ ...one, kind: 'reopened' as const }))],
    })
    const short = fit((most) => plainText(message, most), 500)
    expect(Buffer.byteLength(short)).toBeLessThanOrEqual(500)
    expect(short).toContain('50 revocations late')
    expect(short).toContain('9 accounts of leavers opened again')
  })

  test('counts as many as were told, whatever they are', () => {
    const notice = fc
      .tuple(fc.nat(500), fc.constantFrom('revocation-late', 'platform-down', 'withheld', 'reopened'))
      .map(([number, kind]) => late(number, { key: `${kind}:${number}`, kind: kind as 'withheld' }))
    fc.assert(
      fc.property(fc.uniqueArray(notice, { selector: ({ key }) => key }), (begun) => {
        const { begun: groups } = messageOf({ begun })
        expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(begun.length)
        for (const { count, first } of groups) expect(first).toHaveLength(Math.min(count, 20))
      }),
    )
  })
})

describe('what is gathered', () => {
  test('tells a thing once, however often it was told', () => {
    const gathered = nothingGathered()
    gather(gathered, { begun: [late(1)], over: [] })
    gather(gathered, { begun: [late(1), late(2)], over: [] })
    expect(take(gathered).begun.map(({ key }) => key)).toEqual(['overdue:hr:1:corp-ad', 'overdue:hr:2:corp-ad'])
  })

  test('tells a thing as it is at last: begun and over is over, over and begun again has begun', () => {
    const gathered = nothingGathered()
    gather(gathered, { begun: [late(1)], over: [down('wiki')] })
    gather(gathered, { begun: [down('wiki')], over: [late(1)] })
    const { begun, over } = take(gathered)
    expect(begun.map(({ key }) => key)).toEqual(['platform-down:wiki'])
    expect(over.map(({ key }) => key)).toEqual(['overdue:hr:1:corp-ad'])
  })

  test('is gone once it was taken', () => {
    const gathered = nothingGathered()
    gather(gathered, { begun: [late(1)], over: [down('wiki')] })
    expect(isEmpty(gathered)).toBe(false)
    take(gathered)
    expect(isEmpty(gathered)).toBe(true)
  })
})
