import { Ber, BerReader } from 'ldapts'
import { Entry } from './entry.ts'

/** What ended a request (RFC 4511, section 4.1.9). */
export interface LdapResponse {
  readonly code: number
  readonly matchedDn: string
  readonly diagnostic: string
  readonly controls: readonly ResponseControl[]
  /** Of an extended operation. */
  readonly value: Buffer | null
}

export interface ResponseControl {
  readonly oid: string
  readonly value: Buffer
}

export type Incoming =
  | { readonly kind: 'entry'; readonly id: number; readonly entry: Entry }
  | { readonly kind: 'reference'; readonly id: number; readonly urls: readonly string[] }
  | { readonly kind: 'result'; readonly id: number; readonly response: LdapResponse }
  | { readonly kind: 'intermediate'; readonly id: number }

const tags = { entry: 0x64, reference: 0x73, intermediate: 0x79, controls: 0xa0, set: 0x31, extendedValue: 0x8b }

/** Cuts a stream of bytes into LDAP messages, however the network has cut it. */
export class FrameReader {
  #chunks: Buffer[] = []
  #size = 0
  #needed = 0

  /** @throws Error when the bytes are not LDAP; the connection is of no use then */
  push(chunk: Buffer): Incoming[] {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size < this.#needed) return []
    const buffer = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#size)
    const messages: Incoming[] = []
    let at = 0
    for (;;) {
      const length = frameLength(buffer, at)
      this.#needed = length
      if (length === 0 || at + length > buffer.length) break
      messages.push(decode(buffer, at, at + length))
      at += length
    }
    const rest = buffer.subarray(at)
    this.#chunks = rest.length > 0 ? [rest] : []
    this.#size = rest.length
    return messages
  }
}

/** Bytes of the message that begins at `at`, header included; 0 while the header is not whole. */
function frameLength(buffer: Buffer, at: number): number {
  if (at + 2 > buffer.length) return 0
  if (buffer[at] !== 0x30) throw new Error('what the server sent is not LDAP')
  const first = buffer.readUInt8(at + 1)
  if (first < 0x80) return 2 + first
  const bytes = first & 0x7f
  if (bytes === 0 || bytes > 4)
    throw new Error('what the server sent is not LDAP: a length of a form that LDAP forbids')
  if (at + 2 + bytes > buffer.length) return 0
  return 2 + bytes + buffer.readUIntBE(at + 2, bytes)
}

function decode(buffer: Buffer, start: number, end: number): Incoming {
  const reader = new BerReader(buffer)
  reader.offset = start
  reader.setBufferSize(end)
  reader.readSequence()
  const id = reader.readInt() ?? 0
  const tag = reader.readSequence()
  const operationEnd = reader.offset + reader.length
  if (tag === tags.entry) return { kind: 'entry', id, entry: readEntry(reader) }
  if (tag === tags.reference) return { kind: 'reference', id, urls: readTexts(reader, operationEnd) }
  if (tag === tags.intermediate) return { kind: 'intermediate', id }
  return { kind: 'result', id, response: readResponse(reader, operationEnd, end) }
}

/** The entry in the value of a pre-read or post-read control (RFC 4527). */
export function entryInControl(value: Buffer): Entry {
  const reader = new BerReader(value)
  reader.readSequence(tags.entry)
  return readEntry(reader)
}

function readEntry(reader: BerReader): Entry {
  const dn = reader.readString() ?? ''
  const values = new Map<string, Buffer[]>()
  reader.readSequence()
  const end = reader.offset + reader.length
  while (reader.offset < end) {
    reader.readSequence()
    const name = (reader.readString() ?? '').toLowerCase()
    reader.readSequence(tags.set)
    const setEnd = reader.offset + reader.length
    const list: Buffer[] = []
    while (reader.offset < setEnd) list.push(reader.readString(Ber.OctetString, true) ?? Buffer.alloc(0))
    values.set(name, list)
  }
  return new Entry(dn, values)
}

function readTexts(reader: BerReader, end: number): string[] {
  const texts: string[] = []
  while (reader.offset < end) texts.push(reader.readString() ?? '')
  return texts
}

function readResponse(reader: BerReader, operationEnd: number, end: number): LdapResponse {
  const code = reader.readEnumeration() ?? 80
  const matchedDn = reader.readString() ?? ''
  const diagnostic = reader.readString() ?? ''
  let value: Buffer | null = null
  while (reader.offset < operationEnd) {
    const tag = reader.peek() ?? 0
    if (tag === tags.extendedValue) value = Buffer.from(reader.readString(tag, true) ?? Buffer.alloc(0))
    else skip(reader)
  }
  return { code, matchedDn, diagnostic, value, controls: readControls(reader, end) }
}

/** Passes over one element: referrals, server credentials, the name of an extended response. */
function skip(reader: BerReader): void {
  reader.readSequence()
  reader.offset += reader.length
}

function readControls(reader: BerReader, end: number): ResponseControl[] {
  const controls: ResponseControl[] = []
  if (reader.offset >= end || reader.peek() !== tags.controls) return controls
  reader.readSequence()
  while (reader.offset < end) {
    reader.readSequence()
    const controlEnd = reader.offset + reader.length
    const oid = reader.readString() ?? ''
    if (reader.offset < controlEnd && reader.peek() === Ber.Boolean) reader.readBoolean()
    const value =
      reader.offset < controlEnd
        ? Buffer.from(reader.readString(Ber.OctetString, true) ?? Buffer.alloc(0))
        : Buffer.alloc(0)
    controls.push({ oid, value })
    reader.offset = controlEnd
  }
  return controls
}
