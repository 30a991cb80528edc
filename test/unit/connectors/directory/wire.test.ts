import fc from 'fast-check'
import { BerWriter } from 'ldapts'
import { describe, expect, test } from 'vitest'
import { FrameReader } from '../../../../src/connectors/directory/wire.ts'
import type { Incoming } from '../../../../src/connectors/directory/wire.ts'

function message(
  id: number,
  tag: number,
  write: (writer: BerWriter) => void,
  controls?: (writer: BerWriter) => void,
): Buffer {
  const writer = new BerWriter()
  writer.startSequence()
  writer.writeInt(id)
  writer.startSequence(tag)
  write(writer)
  writer.endSequence()
  if (controls !== undefined) {
    writer.startSequence(0xa0)
    controls(writer)
    writer.endSequence()
  }
  writer.endSequence()
  return Buffer.from(writer.buffer)
}

function entry(id: number, dn: string, values: Readonly<Record<string, readonly Buffer[]>>): Buffer {
  return message(id, 0x64, (writer) => {
    writer.writeString(dn)
    writer.startSequence()
    for (const [name, list] of Object.entries(values)) {
      writer.startSequence()
      writer.writeString(name)
      writer.startSequence(0x31)
      for (const value of list) writer.writeBuffer(value, 4)
      writer.endSequence()
      writer.endSequence()
    }
    writer.endSequence()
  })
}

function done(id: number, code = 0, controls?: (writer: BerWriter) => void): Buffer {
  const write = (writer: BerWriter): void => {
    writer.writeEnumeration(code)
    writer.writeString('')
    writer.writeString('said')
  }
  return message(id, 0x65, write, controls)
}

function received(bytes: Buffer, cuts: readonly number[]): Incoming[] {
  const reader = new FrameReader()
  const places = [...new Set([0, ...cuts.map((cut) => cut % bytes.length), bytes.length])].toSorted((a, b) => a - b)
  return places.slice(1).flatMap((end, n) => reader.push(bytes.subarray(places[n], end)))
}

describe('messages from a server', () => {
  test('are the same however the network has cut them', () => {
    const value = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
    const record = fc.dictionary(fc.constantFrom('cn', 'mail', 'jpegPhoto'), fc.array(value, { maxLength: 4 }))
    fc.assert(
      fc.property(fc.array(record, { maxLength: 5 }), fc.array(fc.nat(), { maxLength: 30 }), (records, cuts) => {
        const bytes = Buffer.concat([...records.map((values, n) => entry(n + 1, `uid=${n},dc=x`, values)), done(99)])
        const messages = received(bytes, cuts)
        expect(messages).toHaveLength(records.length + 1)
        messages.slice(0, -1).forEach((one, n) => {
          if (one.kind !== 'entry') throw new Error(one.kind)
          expect(one.entry.dn).toBe(`uid=${n},dc=x`)
          for (const [name, list] of Object.entries(records[n] ?? {})) expect(one.entry.buffers(name)).toEqual(list)
        })
        expect(messages.at(-1)).toMatchObject({ kind: 'result', id: 99, response: { code: 0, diagnostic: 'said' } })
      }),
    )
  })

  test('carry their own controls', () => {
    const bytes = done(7, 0, (writer) => {
      writer.startSequence()
      writer.writeString('1.2.3')
      writer.writeBoolean(true)
      writer.writeBuffer(Buffer.from([1, 2]), 4)
      writer.endSequence()
      writer.startSequence()
      writer.writeString('4.5.6')
      writer.endSequence()
    })
    expect(received(Buffer.concat([bytes, done(8)]), [])).toMatchObject([
      { id: 7, response: { controls: [{ oid: '1.2.3', value: Buffer.from([1, 2]) }, { oid: '4.5.6' }] } },
      { id: 8, response: { controls: [] } },
    ])
  })

  test('of a kind that is not known (intermediate responses, referrals) disturb no other', () => {
    const intermediate = message(3, 0x79, (writer) => writer.writeString('1.2.3', 0x80))
    const referral = message(4, 0x65, (writer) => {
      writer.writeEnumeration(10)
      writer.writeString('')
      writer.writeString('elsewhere')
      writer.startSequence(0xa3)
      writer.writeString('ldap://other')
      writer.endSequence()
    })
    const reference = message(5, 0x73, (writer) => writer.writeString('ldap://third'))
    expect(received(Buffer.concat([intermediate, referral, reference, done(6)]), [])).toMatchObject([
      { kind: 'intermediate', id: 3 },
      { kind: 'result', id: 4, response: { code: 10, diagnostic: 'elsewhere' } },
      { kind: 'reference', id: 5, urls: ['ldap://third'] },
      { kind: 'result', id: 6 },
    ])
  })

  test('that are not LDAP are an error', () => {
    expect(() => new FrameReader().push(Buffer.from('HTTP/1.1 200 OK\r\n'))).toThrow('not LDAP')
    expect(() => new FrameReader().push(Buffer.from([0x30, 0x80, 0, 0]))).toThrow('not LDAP')
  })

  test('tell text from bytes by who asks', () => {
    const [one] = received(entry(1, 'cn=x', { objectGUID: [Buffer.from('abcdefghijklmnop')], cn: [] }), [])
    if (one?.kind !== 'entry') throw new Error('no entry')
    expect(one.entry.buffers('OBJECTguid')).toEqual([Buffer.from('abcdefghijklmnop')])
    expect(one.entry.texts('objectGUID')).toEqual(['abcdefghijklmnop'])
    expect([one.entry.text('cn'), one.entry.has('cn'), one.entry.texts('mail')]).toEqual([undefined, false, []])
  })
})
