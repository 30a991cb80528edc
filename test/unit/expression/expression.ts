import type { Expression } from '../../../src/model/settings.ts'

/** An expression that begins at line 7, column 11 of a file. */
export function expression(text: string): Expression {
  return { text, place: { file: 'roles/x.yaml', line: 7, column: 11 } }
}
