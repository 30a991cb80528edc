import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadWhenQuiet, starterFiles } from '../../../src/config/index.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyturn-quiet-'))
  for (const { path, text } of starterFiles()) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
})

afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const roleFile = () => join(folder, 'roles', 'staff.yaml')
const load = (signal = AbortSignal.timeout(20_000)) => loadWhenQuiet(join(folder, 'keyturn.yaml'), 500, signal)
const rolesOf = ({ settings }: Awaited<ReturnType<typeof load>>) => Object.keys(settings?.roles ?? {}).toSorted()
const all = ['employee', 'engineer', 'finance', 'manager', 'sales', 'senior-engineer']

test('files that nobody touches are taken as they are', async () => {
  expect(rolesOf(await load())).toEqual(all)
})

test('a file that is written bit by bit, each bit legal YAML, is taken when it is whole', async () => {
  const one = (name: string) => `  ${name}: { accounts: [directory] }\n`
  await writeFile(roleFile(), `roles:\n${one('employee')}${one('manager')}`)
  const loading = load()
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const name of names) {
    await setTimeout(60)
    await writeFile(roleFile(), one(name), { flag: 'a' })
  }
  expect(rolesOf(await loading)).toEqual(expect.arrayContaining(names))
})

test('a file that is removed before it is written anew takes no role from anybody', async () => {
  const aside = join(folder, 'staff.bak')
  await rename(roleFile(), aside)
  const loading = load()
  await setTimeout(100)
  await rename(aside, roleFile())
  expect(rolesOf(await loading)).toEqual(all)
})

test('a stop ends the wait', async () => {
  const reason = new Error('stopped')
  await expect(load(AbortSignal.abort(reason))).rejects.toBe(reason)
})
