import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import type { Problem } from '../model/place.ts'
import type { Settings } from '../model/settings.ts'
import { interpret, rolesFolder } from './interpret.ts'
import type { Interpretation, TextFile } from './interpret.ts'

/**
 * Reads keyturn.yaml and the role files beside it, and says everything that is wrong with them in one run. `settings` is
 * null exactly when a problem is an error. Needs no network; throws nothing for what a person wrote or forgot to write.
 */
export async function loadConfig(file: string): Promise<Interpretation> {
  const main = await readText(file)
  if ('message' in main) {
    const hint = 'Name the file with --config, or let "keyturn init" write a commented one.'
    return { settings: null, problems: [unreadable(file, main.message, hint)] }
  }
  const named = rolesFolder(main)
  const folder = isAbsolute(named) ? named : join(dirname(file), named)
  const { texts, problems } = await readRoles(folder)
  const interpretation = interpret(main, texts, resolve(dirname(file)))
  if (problems.length > 0) return { settings: null, problems: [...problems, ...interpretation.problems] }
  const { settings } = interpretation
  const readable = settings === null ? [] : await readableSecrets(settings)
  const files = [file, folder, ...texts.map(({ name }) => name)].map((one) => resolve(one))
  return { settings: settings && { ...settings, files }, problems: [...interpretation.problems, ...readable] }
}

/** Without a role everybody would lose everything, so a folder without role files is an accident. */
async function readRoles(folder: string): Promise<{ texts: readonly TextFile[]; problems: readonly Problem[] }> {
  const hint = 'Each file in it holds roles: { NAME: { accounts: [PLATFORM] } }; "keyturn init" writes one.'
  let names: readonly string[]
  try {
    names = (await readdir(folder)).filter((name) => /^[^.].*\.ya?ml$/.test(name)).toSorted()
  } catch (error) {
    return { texts: [], problems: [unreadable(folder, reason(error), hint)] }
  }
  if (names.length === 0) return { texts: [], problems: [unreadable(folder, 'the folder holds no *.yaml file', hint)] }
  const read = await Promise.all(names.map((name) => readText(join(folder, name))))
  return {
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

/** Password files that every user of this machine may read. A file that is missing is found by doctor. */
async function readableSecrets({ platforms }: Settings): Promise<readonly Problem[]> {
  const found = await Promise.all(
    Object.values(platforms).map(async ({ id, bind, place }): Promise<readonly Problem[]> => {
      if (!bind.password.startsWith('file:')) return []
      const path = bind.password.slice('file:'.length)
      const mode = await stat(path).then(
        (one) => one.mode,
        () => 0,
      )
      if ((mode & 0o007) === 0) return []
      const message = `every user of this machine may read ${path}`
      return [{ severity: 'warning', place, path: `platforms.${id}.bind.password`, message, hint: `chmod 600 ${path}` }]
    }),
  )
  return found.flat()
}
