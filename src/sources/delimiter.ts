const candidates = [',', ';', '\t', '|'] as const

/**
 * The delimiter of a header line: of comma, semicolon, tab and pipe, outside quotes, the one that makes a column of the
 * key's name, and among several (or none) the most frequent.
 */
export function delimiterOf(header: string, key: string): string {
  const found = candidates.map((delimiter) => {
    const names = namesOf(header, delimiter)
    return { delimiter, hasKey: names.includes(key), count: names.length }
  })
  found.sort((a, b) => Number(b.hasKey) - Number(a.hasKey) || b.count - a.count)
  return found[0]?.delimiter ?? ','
}

function namesOf(header: string, delimiter: string): string[] {
  const names = ['']
  let quoted = false
  for (const character of header) {
    if (character === '"') quoted = !quoted
    else if (character === delimiter && !quoted) names.push('')
    else names[names.length - 1] += character
  }
  return names.map((name) => name.trim())
}
