import type {
  AttributeMapping,
  CsvSettings,
  DateMapping,
  FeedContract,
  IdentityMapping,
  ReferenceMapping,
  SourceSettings,
} from '../../model/settings.ts'
import { hasTime } from '../dates.ts'
import type { Path } from '../path.ts'
import type { MainFile } from '../schema/files.ts'
import { milliseconds, share } from '../units.ts'
import { absolute, expressionAt } from './context.ts'
import type { BuildContext } from './context.ts'
import { versionOf } from './version.ts'

type Source = MainFile['sources'][string]
type Identity = Source['identity']
type Attribute = Extract<Identity[string], { trim: boolean }>
type DateField = NonNullable<Identity['startsAt']>

export function buildSource(id: string, source: Source, zone: string, context: BuildContext): SourceSettings {
  const path = ['sources', id]
  const timezone = source.timezone ?? zone
  const identity = buildIdentity(source.identity, [...path, 'identity'], context)
  return {
    id,
    kind: source.kind,
    path: absolute(context, source.path),
    every: milliseconds(source.every),
    key: source.key,
    content: source.content,
    timezone,
    csv: buildCsv(source.csv),
    // Key and zone decide what a row means as much as the mapping does.
    identity: { ...identity, version: versionOf([identity, source.key, timezone]) },
    contract: buildContract(source),
    vanished: { after: milliseconds(source.vanished.after), then: source.vanished.then },
    settle: milliseconds(source.settle),
    place: context.file.place(path, 'key'),
  }
}

function buildCsv(csv: Source['csv']): CsvSettings {
  return {
    ...(csv.delimiter === undefined ? {} : { delimiter: csv.delimiter }),
    ...(csv.encoding === undefined ? {} : { encoding: csv.encoding }),
    finalNewline: csv['final-newline'],
  }
}

function buildContract({ contract, key, identity }: Source): FeedContract {
  const { min, max } = contract.rows
  return {
    required: contract.required ?? [key, identity.state.column],
    rows: { min, ...(max === undefined ? {} : { max }), maxChange: share(contract.rows['max-change']) },
    ...(contract['max-age'] === undefined ? {} : { maxAge: milliseconds(contract['max-age']) }),
  }
}

function buildIdentity(identity: Identity, path: Path, context: BuildContext): Omit<IdentityMapping, 'version'> {
  const { startsAt, endsAt, accessEndsAt, state, zone, ...others } = identity
  const attributes = Object.entries(others as Readonly<Record<string, Attribute>>)
  const date = (name: string, field: DateField | undefined, at: DateMapping['at']) =>
    field === undefined ? {} : { [name]: buildDate(field, at, [...path, name], context) }
  return {
    attributes: Object.fromEntries(
      attributes
        .filter(([, one]) => one.reference === undefined)
        .map(([name, one]) => [name, buildAttribute(one, [...path, name], context)]),
    ),
    references: Object.fromEntries(
      attributes.flatMap(([name, one]) =>
        one.reference === undefined ? [] : [[name, buildReference(one, one.reference, [...path, name], context)]],
      ),
    ),
    ...date('startsAt', startsAt, 'start-of-day'),
    ...date('endsAt', endsAt, 'end-of-day'),
    ...date('accessEndsAt', accessEndsAt, 'end-of-day'),
    state: { ...state, place: context.file.place([...path, 'state'], 'key') },
    ...(zone === undefined
      ? {}
      : { zone: { column: zone.column, ...(zone.values === undefined ? {} : { values: zone.values }) } }),
  }
}

function buildAttribute(attribute: Attribute, path: Path, context: BuildContext): AttributeMapping {
  const { column = '', expr, trim } = attribute
  return {
    from: expr === undefined ? { column } : { expr: expressionAt(context, expr, [...path, 'expr']) },
    trim,
    place: context.file.place(path, 'key'),
  }
}

function buildReference(attribute: Attribute, reference: string, path: Path, context: BuildContext): ReferenceMapping {
  return { ...buildAttribute(attribute, path, context), reference, unresolved: attribute.unresolved ?? 'keep' }
}

function buildDate(field: DateField, at: DateMapping['at'], path: Path, context: BuildContext): DateMapping {
  return {
    column: field.column,
    format: field.date,
    at: field.at ?? (hasTime(field.date) ? 'exact' : at),
    none: field.none,
    place: context.file.place(path, 'key'),
  }
}
