import { Attribute, Change } from 'ldapts'

/** Sets an attribute to exactly these values; none clears it. Absent before is no error (RFC 4511, section 4.6). */
export function replaceValues(type: string, values: readonly string[] | readonly Buffer[]): Change {
  return change('replace', type, values)
}

export function addValues(type: string, values: readonly string[] | readonly Buffer[]): Change {
  return change('add', type, values)
}

/** Deletes these values: the server refuses when one is not there, which makes it a precondition. None: the whole attribute. */
export function deleteValues(type: string, values: readonly string[] | readonly Buffer[]): Change {
  return change('delete', type, values)
}

function change(
  operation: 'add' | 'delete' | 'replace',
  type: string,
  values: readonly string[] | readonly Buffer[],
): Change {
  return new Change({ operation, modification: attribute(type, values) })
}

/** The attributes of a new entry; those without a value are left out. */
export function attributes(record: Readonly<Record<string, readonly string[] | readonly Buffer[]>>): Attribute[] {
  return Object.entries(record)
    .filter(([, values]) => values.length > 0)
    .map(([type, values]) => attribute(type, values))
}

function attribute(type: string, values: readonly string[] | readonly Buffer[]): Attribute {
  return new Attribute({ type, values: [...values] as string[] | Buffer[] })
}
