import { access, mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { starterFiles } from '../config/starter.ts'
import { KeyturnError } from '../model/errors.ts'
import { act } from './command.ts'
import type { ExitCode, Invocation, Runner } from './command.ts'

export function define(command: Command, runner: Runner): void {
  command.action(act(runner, init))
}

async function init(invocation: Invocation): Promise<ExitCode> {
  const folder = dirname(resolve(invocation.config))
  const nameOf = (path: string) => (path === 'keyturn.yaml' ? basename(invocation.config) : path)
  const files = starterFiles().map(({ path, text }) => ({ path: join(folder, nameOf(path)), text }))
  const present = await existing(files.map((file) => file.path))
  if (present.length > 0) {
    throw new KeyturnError(
      'usage',
      `these files are there already, and init overwrites nothing:\n  ${present.join('\n  ')}`,
      {
        hint: 'Give another place with --config FOLDER/keyturn.yaml.',
      },
    )
  }
  for (const file of files) await write(file)
  invocation.answer({ written: files.map((file) => file.path) })
  for (const file of files) invocation.say(`wrote ${file.path}`)
  invocation.say(
    `\nNext: edit them, then\n  keyturn check --config ${invocation.config}\n  keyturn doctor --config ${invocation.config}\n  keyturn plan --config ${invocation.config}`,
  )
  return 0
}

async function write({ path, text }: { readonly path: string; readonly text: string }): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text, { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new KeyturnError('usage', `${path} cannot be written: ${why}`, {
      cause,
      hint: 'Give a place that this user may write to: --config FOLDER/keyturn.yaml.',
    })
  }
}

async function existing(paths: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    paths.map((path) =>
      access(path).then(
        () => [path],
        () => [],
      ),
    ),
  )
  return found.flat()
}
