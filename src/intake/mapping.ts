import { hash } from 'node:crypto'
import { compileExpression } from '../expression/compile.ts'
import { attributesUsed } from '../expression/form.ts'
import { scopes } from '../expression/scope.ts'
import type { ExpressionScope } from '../expression/scope.ts'
import { KeyturnError, summarise } from '../model/errors.ts'
import type { SourceRecord } from '../model/identity.ts'
import type { Place, Problem } from '../model/place.ts'
import { showPlace } from '../model/place.ts'
import type { AttributeMapping, SourceSettings } from '../model/settings.ts'
import { employmentReader } from './employment.ts'
import type { EmploymentFacts } from './employment.ts'

type Row = SourceRecord['row']
type Person = Readonly<Record<string, string>>

/** What one record says, once it is understood. */
export interface Facts extends EmploymentFacts {
  readonly attributes: Person
  readonly recordHash: string
  readonly place: Place
}

export interface Mapping {
  /** What a record says, or everything that makes it unusable. */
  facts(record: SourceRecord): Facts | readonly Problem[]
  /** The texts by which it refers to others, by the reference's name. */
  references(record: SourceRecord, attributes: Person): Person | readonly Problem[]
  /** The same text means: the same record under the same mapping. */
  hashOf(record: SourceRecord): string
}

/**
 * Compiles the `identity` part of a source. Attributes may use each other in any order. Throws KeyturnError
 * `config-invalid` for attributes that use each other in a circle, and for unknown date formats.
 */
export function compileMapping(settings: SourceSettings): Mapping {
  const { attributes, references, version } = settings.identity
  const scope = scopes.mapping(Object.keys(attributes))
  const steps = inOrder(attributes).map(([name, mapping]) => [name, reader(mapping, scope)] as const)
  const pointers = Object.entries(references).map(([name, mapping]) => [name, reader(mapping, scope)] as const)
  const employment = employmentReader(settings)
  // The source's zone is not part of the mapping, but dates mean something else in another one.
  const suffix = `.${hash('sha256', `${version}\n${settings.timezone}`, 'base64url').slice(0, 12)}`
  const hashOf = (record: SourceRecord) => record.hash + suffix
  return {
    hashOf,
    facts: (record) => {
      const problems: Problem[] = []
      const person: Record<string, string> = {}
      fill(person, record, person, steps, problems)
      const rest = employment(record, problems)
      if (problems.length > 0) return problems
      return { attributes: person, ...rest, recordHash: hashOf(record), place: record.place }
    },
    references: (record, person) => {
      const problems: Problem[] = []
      const texts: Record<string, string> = {}
      fill(texts, record, person, pointers, problems)
      return problems.length > 0 ? problems : texts
    },
  }
}

type Reader = (row: Row, person: Person, key: string) => string

function reader({ from, trim }: AttributeMapping, scope: ExpressionScope): Reader {
  if ('column' in from) {
    const { column } = from
    return trim ? (row) => (row[column] ?? '').trim() : (row) => row[column] ?? ''
  }
  const evaluate = compileExpression(from.expr, scope, 'string')
  return (row, person, key) => {
    const text = evaluate({ row, person, key })
    return trim ? text.trim() : text
  }
}

/** Evaluates each step into `texts`; what fails becomes a problem. Attributes are filled into the very person they read. */
function fill(
  texts: Record<string, string>,
  { row, key, place }: SourceRecord,
  person: Person,
  steps: readonly (readonly [string, Reader])[],
  problems: Problem[],
): void {
  for (const [name, read] of steps) {
    try {
      texts[name] = read(row, person, key ?? '')
    } catch (error) {
      problems.push({ severity: 'error', place, path: name, message: summarise(error).message })
    }
  }
}

/** The attributes, each after those that its expression uses; otherwise as declared. */
function inOrder(
  attributes: Readonly<Record<string, AttributeMapping>>,
): readonly (readonly [string, AttributeMapping])[] {
  const all = new Map(Object.entries(attributes))
  const done = new Map<string, AttributeMapping>()
  const visit = (name: string, path: readonly string[]): void => {
    const mapping = all.get(name)
    if (mapping === undefined || done.has(name)) return
    if (path.includes(name)) throw circle([...path.slice(path.indexOf(name)), name], mapping)
    const uses = 'expr' in mapping.from ? attributesUsed(mapping.from.expr) : []
    for (const used of uses) visit(used, [...path, name])
    done.set(name, mapping)
  }
  for (const name of all.keys()) visit(name, [])
  return [...done]
}

function circle(names: readonly string[], { place }: AttributeMapping): KeyturnError {
  const message = `${showPlace(place)}: the attributes ${names.join(' → ')} use each other in a circle`
  return new KeyturnError('config-invalid', message, { hint: 'At least one of them must come from columns alone.' })
}
