import { readdir, readFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import type { Problem } from '../model/place.ts'
import { interpret, rolesFolder } from './interpret.ts'
import type { Interpretation, TextFile } from './interpret.ts'
import { readableSecrets } from './readable.ts'

/** What the files mean, and which they are (absolute), also where something is wrong: what a daemon watches. */
export interface Loaded extends Interpretation {
  readonly files: readonly string[]
}

/**
 * Reads keyturn.yaml and the role files beside it, and says everything that is wrong with them in one run. `settings` is
 * null exactly when a problem is an error. Needs no network; throws nothing for what a person wrote or forgot to write.
 * It takes the files as they are at this moment: while they may be written, `loadWhenQuiet` is the one to ask.
 */
export async function loadConfig(file: string): Promise<Loaded> {
  const main = await readText(file)
  if ('message' in main) {
    const hint = 'Name the file with --config, or let "keyturn init" write a commented one.'
    return { settings: null, problems: [unreadable(file, main.message, hint)], files: [resolve(file)] }
  }
  const folder = rolesPath(main)
  const { texts, problems, paths } = await readRoles(folder)
  const files = [file, folder, ...paths].map((one) => resolve(one))
  const { settings, problems: own } = interpret(main, texts, resolve(dirname(file)))
  if (problems.length > 0) return { settings: null, problems: [...problems, ...own], files }
  if (settings === null) return { settings, problems: own, files }
  const readable = await readableSecrets(main, dirname(file))
  return { settings: { ...settings, files }, problems: [...own, ...readable], files }
}

/** The files that `loadConfig` would read now (absolute), and the folder of the roles. */
export async function configFiles(file: string): Promise<readonly string[]> {
  const main = await readText(file)
  if ('message' in main) return [resolve(file)]
  const folder = rolesPath(main)
  const names = await roleNames(folder).catch(() => [])
  return [file, folder, ...names.map((name) => join(folder, name))].map((one) => resolve(one))
}

function rolesPath(main: TextFile): string {
  const named = rolesFolder(main)
  return isAbsolute(named) ? named : join(dirname(main.name), named)
}

async function roleNames(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => /^[^.].*\.ya?ml$/.test(name)).toSorted()
}

interface RoleFiles {
  readonly paths: readonly string[]
  readonly texts: readonly TextFile[]
  readonly problems: readonly Problem[]
}

/** Without a role everybody would lose everything, so a folder without role files is an accident. */
async function readRoles(folder: string): Promise<RoleFiles> {
  const hint = 'Each file in it holds roles: { NAME: { accounts: [PLATFORM] } }; "keyturn init" writes one.'
  const none = (message: string) => ({ paths: [], texts: [], problems: [unreadable(folder, message, hint)] })
  let names: readonly string[]
  try {
    names = await roleNames(folder)
  } catch (error) {
    return none(reason(error))
  }
  if (names.length === 0) return none('the folder holds no *.yaml file')
  const paths = names.map((name) => join(folder, name))
  const read = await Promise.all(paths.map(readText))
  return {
    paths,
    texts: read.filter((one) => 'text' in one),
    problems: read.flatMap((one) => ('message' in one ? [unreadable(one.name, one.message)] : [])),
  }
}

async function readText(name: string): Promise<TextFile | { readonly name: string; readonly message: string }> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(name))
    return { name, text }
  } catch (error) {
    return { name, message: error instanceof TypeError ? 'the file is not UTF-8 text' : reason(error) }
  }
}

function unreadable(name: string, message: string, hint?: string): Problem {
  const place = { file: name, line: 0 }
  return { severity: 'error', place, path: '', message, ...(hint === undefined ? {} : { hint }) }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'this user may not read it',
  EISDIR: 'this is a folder, not a file',
  ENOTDIR: 'this is a file, not a folder',
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  return reasons[code] ?? `it cannot be read (${code})`
}
