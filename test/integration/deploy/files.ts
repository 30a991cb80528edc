import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** The folder of the project. */
export const root = fileURLToPath(new URL('../../..', import.meta.url))

/** The text of a file of the project. */
export const textOf = (path: string): Promise<string> => readFile(`${root}/${path}`, 'utf8')
