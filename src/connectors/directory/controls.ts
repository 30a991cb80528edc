import { Attribute, BerWriter, Change, Control } from 'ldapts'
import type { Entry } from './entry.ts'
import { entryInControl } from './wire.ts'
import type { LdapResponse } from './wire.ts'

export const controlIds = {
  preRead: '1.3.6.1.1.13.1',
  postRead: '1.3.6.1.1.13.2',
} as const

/** Asks for attributes of the entry as it was before, or is after, this very write (RFC 4527). */
export class ReadEntryControl extends Control {
  readonly #attributes: readonly string[]

  constructor(when: 'preRead' | 'postRead', attributes: readonly string[]) {
    super(controlIds[when], { critical: true })
    this.#attributes = attributes
  }

  override writeControl(writer: BerWriter): void {
    const selection = new BerWriter()
    selection.startSequence()
    for (const attribute of this.#attributes) selection.writeString(attribute)
    selection.endSequence()
    writer.writeBuffer(selection.buffer, 0x04)
  }
}

/** What the server sent for a ReadEntryControl; undefined where it sent nothing. */
export function readEntryOf(response: LdapResponse, when: 'preRead' | 'postRead'): Entry | undefined {
  const control = response.controls.find(({ oid }) => oid === controlIds[when])
  return control === undefined ? undefined : entryInControl(control.value)
}

/** Adds a number to an attribute in one step (RFC 4525), which nobody can come between. */
export class Increment extends Change {
  constructor(type: string, by: number) {
    super({ modification: new Attribute({ type, values: [String(by)] }) })
  }

  override write(writer: BerWriter): void {
    writer.startSequence()
    writer.writeEnumeration(3)
    this.modification.write(writer)
    writer.endSequence()
  }
}

/** The request value of the password modify operation (RFC 3062): whose, and the new one. */
export function passwordModifyRequest(dn: string, password: string): Buffer {
  const writer = new BerWriter()
  writer.startSequence()
  writer.writeString(dn, 0x80)
  writer.writeString(password, 0x82)
  writer.endSequence()
  return writer.buffer
}

export const passwordModifyOperation = '1.3.6.1.4.1.4203.1.11.1'
