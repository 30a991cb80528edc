type Values = Readonly<Record<string, readonly string[]>>

/**
 * What `person` demands beyond the configuration (RFC 4519, section 3.12): cn and sn, for people with one name or none too.
 * A plan and a create fill them alike, so that a second plan finds nothing to change.
 */
export function withMandatory(stated: Values, account: string): Values {
  const cn = valueOf(stated, 'cn')
  const sn = valueOf(stated, 'sn') ?? valueOf(stated, 'surname')
  if (cn !== undefined && sn !== undefined) return stated
  const name = cn ?? valueOf(stated, 'displayName') ?? joined(stated) ?? account
  return {
    ...stated,
    ...(cn === undefined ? { cn: [name] } : {}),
    ...(sn === undefined ? { sn: [lastWord(name)] } : {}),
  }
}

/** The first value, whatever the case of the attribute's name; undefined where there is none, or an empty one. */
export function valueOf(values: Values, attribute: string): string | undefined {
  const wanted = attribute.toLowerCase()
  const found = Object.entries(values).find(([name]) => name.toLowerCase() === wanted)?.[1][0]
  return found === '' ? undefined : found
}

function joined(values: Values): string | undefined {
  const words = [valueOf(values, 'givenName'), valueOf(values, 'sn')].filter((word) => word !== undefined)
  return words.length > 0 ? words.join(' ') : undefined
}

function lastWord(text: string): string {
  return text.trim().split(/\s+/).at(-1) ?? text
}
