import { resolve } from 'node:path'
import type { Expression } from '../../model/settings.ts'
import type { Path } from '../path.ts'
import type { YamlFile } from '../yaml.ts'

/** What is needed to turn checked values into settings: where they stand, and from where paths count. */
export interface BuildContext {
  readonly file: YamlFile
  /** Absolute folder of keyturn.yaml. */
  readonly folder: string
}

/** The expression at a path: its text begins behind an opening quote. */
export function expressionAt({ file }: BuildContext, text: string, path: Path): Expression {
  return { text, place: file.locator(path)(0) }
}

/** Every path of the configuration counts from the folder that holds keyturn.yaml. */
export function absolute({ folder }: BuildContext, path: string): string {
  return resolve(folder, path)
}

/** `file:PATH` with an absolute path; anything else as it is. */
export function absoluteReference(context: BuildContext, reference: string): string {
  const prefix = 'file:'
  return reference.startsWith(prefix) ? `${prefix}${absolute(context, reference.slice(prefix.length))}` : reference
}
