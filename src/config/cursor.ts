import type { Path } from './path.ts'
import type { ProblemDetail, YamlFile } from './yaml.ts'
import type { Problem } from '../model/place.ts'

/**
 * A value in a file with the way to it. It asks gently: a step into what is not there, or is no mapping, gives a cursor
 * on nothing. So the checks that compare parts of the files say what they find even where other parts are wrong.
 */
export class Cursor {
  readonly file: YamlFile
  readonly path: Path
  readonly value: unknown

  private constructor(file: YamlFile, path: Path, value: unknown) {
    this.file = file
    this.path = path
    this.value = value
  }

  /** The whole of a file. */
  static of(file: YamlFile): Cursor {
    return new Cursor(file, [], file.value)
  }

  get(...keys: readonly string[]): Cursor {
    return keys.reduce((at: Cursor, key) => at.#step(key), this)
  }

  #step(key: string): Cursor {
    const mapping = mappingOf(this.value)
    const value = mapping !== undefined && Object.hasOwn(mapping, key) ? mapping[key] : undefined
    return new Cursor(this.file, [...this.path, key], value)
  }

  /** Key and value of each entry of a mapping; none for anything else. */
  entries(): readonly (readonly [string, Cursor])[] {
    return Object.keys(mappingOf(this.value) ?? {}).map((key) => [key, this.#step(key)] as const)
  }

  keys(): readonly string[] {
    return Object.keys(mappingOf(this.value) ?? {})
  }

  /** The values of a list; none for anything else. */
  items(): readonly Cursor[] {
    if (!Array.isArray(this.value)) return []
    return this.value.map((value: unknown, index) => new Cursor(this.file, [...this.path, index], value))
  }

  get exists(): boolean {
    return this.value !== undefined
  }

  /** The text that stands here; undefined for anything else. */
  get text(): string | undefined {
    return typeof this.value === 'string' ? this.value : undefined
  }

  error(message: string, detail?: ProblemDetail): Problem {
    return this.file.problem('error', this.path, message, detail)
  }

  warning(message: string, detail?: ProblemDetail): Problem {
    return this.file.problem('warning', this.path, message, detail)
  }
}

function mappingOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return value as Readonly<Record<string, unknown>>
}
