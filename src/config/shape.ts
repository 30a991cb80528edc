import { z } from 'zod'
import type { Path } from './path.ts'
import { didYouMean } from '../expression/index.ts'
import type { Problem } from '../model/place.ts'
import { secretWords } from './schema/leaves.ts'
import { mayBeShown } from './secret-lines.ts'
import type { YamlFile } from './yaml.ts'

/**
 * Compares a file with its schema: the value with its defaults, or a problem for each thing that does not fit, with what
 * was given and what is allowed.
 */
export function checkShape<S extends z.ZodType>(
  file: YamlFile,
  schema: S,
): { readonly value: z.output<S> | null; readonly problems: readonly Problem[] } {
  const result = schema.safeParse(file.value)
  if (result.success) return { value: result.data, problems: [] }
  return { value: null, problems: result.error.issues.flatMap((issue) => problemsOf(issue, [], { file, schema })) }
}

interface Subject {
  readonly file: YamlFile
  readonly schema: z.ZodType
}

type Issue = z.core.$ZodIssue

function problemsOf(issue: Issue, above: Path, subject: Subject): readonly Problem[] {
  const path = [...above, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))]
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(key, path, subject))
    case 'invalid_union':
      return unionProblems(issue, path, subject)
    case 'invalid_key': {
      const key = String(path.at(-1))
      const message = `the name ${JSON.stringify(key)} is given, allowed is ${issue.issues[0]?.message ?? 'another'}`
      return [subject.file.problem('error', path, message, { at: 'key' })]
    }
    case 'invalid_value':
      return [wrongValue(path, wordsOf(issue), subject, didYouMeanOneOf(issue.values, valueAt(subject, path)))]
    case 'custom':
      return [wrongValue(path, issue.message, subject, hintOf(issue.params))]
    case 'invalid_type':
      return [wrongValue(path, typeWords(issue, path, subject), subject)]
    default:
      return [wrongValue(path, issue.message, subject)]
  }
}

function unknownKey(key: string, path: Path, { file, schema }: Subject): Problem {
  const allowed = keysOf(schemaAt(schema, path))
  const message = `unknown key; allowed here ${allowed.length === 1 ? 'is' : 'are'} ${allowed.join(', ')}`
  const hint = didYouMean(key, allowed)
  // Text that was written where the value of a secret belongs may have become a key.
  const isSafe = hint.hint !== undefined || (mayBeShown(path, key) && mayBeShown([...path, ''], key))
  return file.problem('error', isSafe ? [...path, key] : path, message, {
    ...(isSafe ? { at: 'key' } : { place: file.place([...path, key], 'key') }),
    ...(hint.hint === undefined ? misspeltParent(path, schema) : hint),
  })
}

/** Where any key is allowed beside a few known ones, a misspelt known one is noticed only by what is in it. */
function misspeltParent(path: Path, schema: z.ZodType): { readonly hint?: string } {
  const parent = schemaAt(schema, path.slice(0, -1))
  const name = path.at(-1)
  const isFree = parent instanceof z.ZodObject && parent.def.catchall instanceof z.ZodObject
  if (!isFree || typeof name !== 'string' || name in parent.shape) return {}
  const { hint } = didYouMean(name, Object.keys(parent.shape))
  return hint === undefined ? {} : { hint: hint.replace('?', ` instead of "${name}"?`) }
}

/** Problems of the one branch that the value was meant for, by its kind; else what the branches allow. */
function unionProblems(issue: z.core.$ZodIssueInvalidUnion, path: Path, subject: Subject): readonly Problem[] {
  const meant = issue.errors.filter((branch) => branch.every((one) => one.path.length > 0 || !isWrongKind(one)))
  if (meant.length === 1) return (meant[0] ?? []).flatMap((one) => problemsOf(one, path, subject))
  const words = issue.errors.flatMap((branch) => branch.slice(0, 1).map((one) => branchWords(one, path, subject)))
  const value = valueAt(subject, path)
  const choices = issue.errors.flat().flatMap((one) => (one.code === 'invalid_value' ? one.values : []))
  return [wrongValue(path, [...new Set(words)].join('; or '), subject, didYouMeanOneOf(choices, value))]
}

function isWrongKind(issue: Issue): boolean {
  return issue.code === 'invalid_type' || issue.code === 'invalid_value'
}

function branchWords(issue: Issue, path: Path, subject: Subject): string {
  if (issue.code === 'invalid_value') return wordsOf(issue)
  return issue.code === 'invalid_type' ? typeWords(issue, path, subject) : issue.message
}

function wordsOf(issue: z.core.$ZodIssueInvalidValue): string {
  return issue.message.startsWith('Invalid') ? anyOf(issue.values.map(String)) : issue.message
}

function typeWords(issue: z.core.$ZodIssueInvalidType, path: Path, { schema }: Subject): string {
  if (!issue.message.startsWith('Invalid')) return issue.message
  if (issue.expected === 'array') return 'a list'
  const keys = keysOf(schemaAt(schema, path))
  return keys.length === 0 || keys.length > 6 ? 'a mapping (key: value)' : `a mapping of ${keys.join(', ')}`
}

/** `hold, keep or suspend` */
function anyOf(words: readonly string[]): string {
  return [words.slice(0, -1).join(', '), ...words.slice(-1)].filter((one) => one !== '').join(' or ')
}

function wrongValue(path: Path, allowed: string, subject: Subject, detail: { readonly hint?: string } = {}): Problem {
  const value = valueAt(subject, path)
  if (value === undefined) {
    const message = `is missing; needed is ${allowed}`
    return subject.file.problem('error', path, message, detail)
  }
  if (value === null) {
    const message = `is empty; needed is ${allowed}`
    return subject.file.problem('error', path, message, { at: 'key', ...detail })
  }
  const message = `${given(path, value)} is given, allowed is ${allowed}`
  return subject.file.problem('error', path, message, { ...remedy(value, allowed), ...detail })
}

/** What helps besides knowing what is allowed. */
function remedy(value: unknown, allowed: string): { readonly hint?: string } {
  if (allowed === secretWords) {
    return {
      hint: 'Set a variable where Keyturn is started and write env:ITS_NAME, or a file (chmod 600) and file:ITS_PATH.',
    }
  }
  // YAML reads 007 as a number and true as no text.
  const isPlain = typeof value === 'number' || typeof value === 'boolean'
  return isPlain && /^(?:text|a column|the name)/.test(allowed) ? { hint: 'Put quotes around it.' } : {}
}

/** The value as it was given, shortened; only its kind where it may be a secret. */
function given(path: Path, value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a mapping'
  if (!mayBeShown(path, value)) return `a ${typeof value === 'string' ? 'text' : typeof value}`
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

function didYouMeanOneOf(values: readonly unknown[], value: unknown): { readonly hint?: string } {
  return typeof value === 'string' ? didYouMean(value, values.map(String)) : {}
}

function hintOf(params: Readonly<Record<string, unknown>> | undefined): { readonly hint?: string } {
  const hint = params?.['hint']
  return typeof hint === 'string' ? { hint } : {}
}

function valueAt({ file }: Subject, path: Path): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    return (value as Readonly<Record<string | number, unknown>>)[step]
  }, file.value)
}

/** The schema of the value at a path; undefined where the path leaves it. */
function schemaAt(schema: z.core.$ZodType, path: Path): z.core.$ZodType | undefined {
  return path.reduce<z.core.$ZodType | undefined>(
    (at, step) => (at === undefined ? undefined : below(at, step)),
    schema,
  )
}

function below(schema: z.core.$ZodType, step: string | number): z.core.$ZodType | undefined {
  const inner = bare(schema)
  if (inner instanceof z.ZodObject) return inner.shape[step] ?? inner.def.catchall
  if (inner instanceof z.ZodRecord) return inner.valueType
  return inner instanceof z.ZodArray ? inner.element : undefined
}

/** Without defaults and the like; of a union the branch that is a mapping, or a list. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return bare(schema.unwrap())
  }
  if (!(schema instanceof z.ZodUnion)) return schema
  const branches = schema.options.map(bare)
  return branches.find((one) => one instanceof z.ZodObject || one instanceof z.ZodArray) ?? schema
}

function keysOf(schema: z.core.$ZodType | undefined): readonly string[] {
  const inner = schema === undefined ? undefined : bare(schema)
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : []
}
