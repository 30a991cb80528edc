/** One relative distinguished name: usually one pair, several where a `+` joins them. */
export type Rdn = readonly { readonly type: string; readonly value: string }[]

/**
 * Escapes a value for use inside a DN (RFC 4514, section 2.4). Values in filters need no escaping here: filters are built
 * of classes that write bytes.
 */
export function escapeRdnValue(value: string): string {
  return value
    .replace(/[\\",+;<>=]/g, '\\$&')
    .replaceAll('\0', '\\00')
    .replace(/(?<=.) $/s, '\\ ')
    .replace(/^[# ]/, '\\$&')
}

/** `uid=ann`, escaped. */
export function rdn(type: string, value: string): string {
  return `${type}=${escapeRdnValue(value)}`
}

/** The DN of something directly inside `container`. */
export function childDn(type: string, value: string, container: string): string {
  return `${rdn(type, value)},${container}`
}

/**
 * Reads a DN (RFC 4514, and the quoted values of RFC 2253 that some servers still send).
 * @throws SyntaxError when the text is no DN
 */
export function parseDn(text: string): readonly Rdn[] {
  if (text.trim() === '') return []
  const rdns: Rdn[] = []
  let pairs: { type: string; value: string }[] = []
  let at = 0
  while (at <= text.length) {
    const equals = text.indexOf('=', at)
    const type = equals < 0 ? '' : text.slice(at, equals).trim()
    if (!/^(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)$/.test(type)) {
      throw new SyntaxError(
        `"${text}" is no distinguished name: an attribute and "=" are expected at character ${at + 1}`,
      )
    }
    const { value, end } = readValue(text, equals + 1)
    pairs.push({ type: type.toLowerCase(), value })
    if (text[end] !== '+') {
      rdns.push(pairs)
      pairs = []
    }
    at = end + 1
    if (end >= text.length) break
  }
  return rdns
}

/** Reads one value from `from` to the next unescaped separator. */
function readValue(text: string, from: number): { value: string; end: number } {
  return readPlainValue(text, from) ?? readSpecialValue(text, from)
}

/** Most values hold nothing to unescape, and every new account's DN is read; null where this one does. */
function readPlainValue(text: string, from: number): { value: string; end: number } | null {
  const special = /[\\",+;]/g
  special.lastIndex = from
  const end = special.exec(text)?.index ?? text.length
  const value = text.slice(from, end)
  if (text[end] === '\\' || text[end] === '"' || !value.isWellFormed()) return null
  return { value: value.replaceAll(/^ +| +$/g, ''), end }
}

function readSpecialValue(text: string, from: number): { value: string; end: number } {
  const bytes: Buffer[] = []
  let at = from
  while (text[at] === ' ') at++
  const quoted = text[at] === '"'
  if (quoted) at++
  let kept = 0
  let closed = !quoted
  for (; at < text.length; at++) {
    const character = text.charAt(at)
    if (quoted && character === '"') {
      closed = true
      at++
      break
    }
    if (!quoted && /[,+;]/.test(character)) break
    if (character === '\\') {
      const escaped = readEscape(text, at)
      bytes.push(escaped.bytes)
      at = escaped.last
      kept = bytes.length
    } else {
      bytes.push(Buffer.from(wholeCharacter(text, at)))
      at += wholeCharacter(text, at).length - 1
      if (character !== ' ' || quoted) kept = bytes.length
    }
  }
  if (!closed) throw new SyntaxError(`"${text}" is no distinguished name: a quotation mark is not closed`)
  if (quoted) while (text[at] === ' ') at++
  return { value: Buffer.concat(bytes.slice(0, kept)).toString('utf8'), end: at }
}

function wholeCharacter(text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at) ?? 0)
}

/** `\,` stands for the character, `\C3` for a byte. */
function readEscape(text: string, backslash: number): { bytes: Buffer; last: number } {
  const hex = text.slice(backslash + 1, backslash + 3)
  if (/^[0-9A-Fa-f]{2}$/.test(hex)) return { bytes: Buffer.from(hex, 'hex'), last: backslash + 2 }
  if (backslash + 1 >= text.length) throw new SyntaxError(`"${text}" is no distinguished name: it ends in a backslash`)
  const character = wholeCharacter(text, backslash + 1)
  return { bytes: Buffer.from(character), last: backslash + character.length }
}

/**
 * One text for all spellings of a DN: equal texts mean the same entry. Case, spaces around separators, the form of escaping
 * and the order inside a multi-valued RDN do not matter (caseIgnoreMatch, RFC 4517). A text that is no DN stands for itself.
 */
export function canonicalDn(text: string): string {
  // Most DNs hold nothing to unescape; this path is 10 times faster, and a bulk read takes it once per membership.
  if (!/[\\"+;#]|\s[,=]|[,=]\s|\s{2}|^\s|\s$/.test(text)) return fold(text)
  try {
    return parseDn(text)
      .map((pairs) =>
        pairs
          .map(
            ({ type, value }) => `${type}=${fold(value.trim().replaceAll(/\s+/g, ' ')).replaceAll(/[\\,+]/g, '\\$&')}`,
          )
          .toSorted()
          .join('+'),
      )
      .join(',')
  } catch {
    return fold(text)
  }
}

// NFC, not the NFKC of RFC 4518: compatibility forms hold characters such as a full-width comma, which would become separators.
function fold(text: string): string {
  return text.normalize('NFC').toLowerCase()
}

export function sameDn(one: string, other: string): boolean {
  return one === other || canonicalDn(one) === canonicalDn(other)
}

/** Is `dn` the container itself, or something inside it at any depth? */
export function isWithin(dn: string, container: string): boolean {
  const inner = canonicalDn(dn)
  const outer = canonicalDn(container)
  return outer === '' || inner === outer || inner.endsWith(`,${outer}`)
}

/** The DN without its first RDN, as it was written. */
export function parentDn(dn: string): string {
  const comma = firstSeparator(dn)
  return comma < 0 ? '' : dn.slice(comma + 1).trimStart()
}

/** The first RDN, as it was written. */
export function firstRdn(dn: string): string {
  const comma = firstSeparator(dn)
  return comma < 0 ? dn : dn.slice(0, comma)
}

function firstSeparator(dn: string): number {
  let quoted = false
  for (let at = 0; at < dn.length; at++) {
    const character = dn[at]
    if (character === '\\') at++
    else if (character === '"') quoted = !quoted
    else if (!quoted && (character === ',' || character === ';')) return at
  }
  return -1
}

/** The value of the first RDN for an attribute (or of its first pair), unescaped. */
export function nameInDn(dn: string, type?: string): string | undefined {
  const pairs = parseDn(dn)[0] ?? []
  return (type === undefined ? pairs[0] : pairs.find((pair) => pair.type === type.toLowerCase()))?.value
}
