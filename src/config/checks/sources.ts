import { attributesUsed, checkExpression, didYouMean, scopes } from '../../expression/index.ts'
import type { Problem } from '../../model/place.ts'
import type { Cursor } from '../cursor.ts'
import { attributesOf, isReference } from './files.ts'
import type { Parts } from './files.ts'

/** What no single key of a source can tell: attributes, their loops, references and the contract. */
export function checkSources({ main }: Parts): readonly Problem[] {
  if (main === null) return []
  const sources = main.get('sources')
  const none = sources.exists && sources.value !== null && sources.keys().length === 0
  return [
    ...(none ? [sources.error('no source is given, at least one is needed')] : []),
    ...sources
      .entries()
      .flatMap(([, source]) => [
        ...attributesOf(source).flatMap(([name, attribute]) => attributeProblems(name, attribute, source)),
        ...loopProblems(source),
        ...contractProblems(source),
      ]),
  ]
}

function attributeProblems(name: string, attribute: Cursor, source: Cursor): readonly Problem[] {
  return [
    ...nameProblems(name, attribute),
    ...originProblems(attribute),
    ...(isReference(attribute) ? referenceProblems(attribute, source) : []),
  ]
}

const legal = 'a name of up to 64 letters, digits and _ that begins with a letter and is no word of CEL'

function nameProblems(name: string, attribute: Cursor): readonly Problem[] {
  const place = attribute.file.place(attribute.path, 'key')
  const isKey = name === 'key'
  const isLegal = /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name) && !(name in {}) && !isKey
  if (isLegal && checkExpression({ text: `person.${name}`, place }, scopes.rule([name]), 'string').length === 0)
    return []
  const message = `the attribute name ${JSON.stringify(name)} is given, allowed is ${legal}`
  return [
    attribute.error(message, { at: 'key', ...(isKey ? { hint: 'The source key is always there, as key.' } : {}) }),
  ]
}

function originProblems(attribute: Cursor): readonly Problem[] {
  if (typeof attribute.value !== 'object' || attribute.value === null) return []
  const problems: Problem[] = []
  const hasColumn = attribute.get('column').exists
  if (hasColumn === attribute.get('expr').exists) {
    const given = hasColumn ? 'both column and expr are given' : 'neither column nor expr is given'
    problems.push(attribute.error(`${given}, needed is one of them`, { at: 'key' }))
  }
  if (attribute.get('unresolved').exists && !isReference(attribute)) {
    problems.push(attribute.get('unresolved').error('unresolved is given without reference', { at: 'key' }))
  }
  return problems
}

function referenceProblems(attribute: Cursor, source: Cursor): readonly Problem[] {
  const target = attribute.get('reference')
  const plain = attributesOf(source).filter(([, one]) => !isReference(one))
  const allowed = ['key', ...plain.map(([name]) => name)]
  if (target.text === undefined || allowed.includes(target.text)) return []
  const message = `no attribute is called ${JSON.stringify(target.text)}; allowed are ${allowed.join(', ')}`
  return [target.error(message, didYouMean(target.text, allowed))]
}

/** An attribute whose expression needs its own value, by whatever way. */
function loopProblems(source: Cursor): readonly Problem[] {
  const needs = new Map(attributesOf(source).map(([name, attribute]) => [name, needsOf(attribute)]))
  const reported = new Set<string>()
  return [...needs.keys()].flatMap((name) => {
    const loop = loopFrom(name, [], (one) => needs.get(one) ?? [])
    if (loop === null || loop.some((one) => reported.has(one))) return []
    for (const one of loop) reported.add(one)
    const at = source.get('identity', name, 'expr')
    return [at.error(`attributes need each other in a loop: ${[...loop, name].join(' → ')}`)]
  })
}

function needsOf(attribute: Cursor): readonly string[] {
  const text = attribute.get('expr').text ?? '""'
  try {
    return attributesUsed({ text, place: attribute.file.place(attribute.path) })
  } catch {
    // No CEL at all: reported by the check of expressions, at its place.
    return []
  }
}

/** The shortest-found way from a name back to itself, beginning with it; null where there is none. */
export function loopFrom(
  name: string,
  way: readonly string[],
  next: (name: string) => readonly string[],
  seen: Set<string> = new Set(),
): readonly string[] | null {
  const here = way.at(-1) ?? name
  for (const one of next(here)) {
    if (one === name) return way.length === 0 ? [name] : way
    if (seen.has(one)) continue
    seen.add(one)
    const loop = loopFrom(name, way.length === 0 ? [name, one] : [...way, one], next, seen)
    if (loop !== null) return loop
  }
  return null
}

function contractProblems(source: Cursor): readonly Problem[] {
  const rows = source.get('contract', 'rows')
  const min = rows.get('min').value
  const max = rows.get('max')
  const problems: Problem[] = []
  if (typeof min === 'number' && typeof max.value === 'number' && max.value < min) {
    problems.push(max.error(`at most ${max.value} rows are given, allowed is min (${min}) or more`))
  }
  if (source.get('content').text === 'delta' && source.get('vanished').exists) {
    const message = 'vanished has no effect: a source with content: delta never proves absence'
    problems.push(source.get('vanished').warning(message, { at: 'key' }))
  }
  return problems
}
