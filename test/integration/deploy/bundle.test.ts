// Which program bin/keyturn starts: the bundle, or the sources that it was made from.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { root } from './files.ts'

const run = promisify(execFile)

/** A program whose parts say who they are, with a bundle that was just made. */
async function install() {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-bundle-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await cp(join(root, 'bin'), join(folder, 'bin'), { recursive: true })
  await mkdir(join(folder, 'scripts'))
  await cp(join(root, 'scripts/is-built'), join(folder, 'scripts/is-built'))
  await write(folder, 'scripts/build.ts', '')
  await mkdir(join(folder, 'node_modules'))
  await symlink(join(root, 'node_modules/.bin'), join(folder, 'node_modules/.bin'))
  await write(folder, 'package-lock.json', '{}')
  await write(folder, 'package.json', '{ "type": "module" }')
  await write(folder, 'src/main.ts', "const who: string = 'sources'\nconsole.log(who, ...process.argv.slice(2))")
  await write(folder, 'src/model/one.ts', '')
  // File systems tell times in steps of a clock tick.
  await sleep(20)
  await write(folder, 'build/keyturn/stamp', '')
  await write(folder, 'build/keyturn/stamp', String((await stat(join(folder, 'build/keyturn/stamp'))).ino))
  await sleep(20)
  const bundle = () => write(folder, 'build/keyturn/main.js', "console.log('bundle', ...process.argv.slice(2))")
  await bundle()
  return { folder, bundle, starts: () => starts(folder) }
}

async function starts(folder: string): Promise<string> {
  return (await run(join(folder, 'bin/keyturn'), ['an argument', 'b'])).stdout.trimEnd()
}

async function write(folder: string, path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), text)
}

test('the bundle, while nothing that it was made from was touched', async () => {
  const { starts } = await install()
  expect(await starts()).toBe('bundle an argument b')
})

test('the sources, where there is no bundle', async () => {
  const { folder, starts } = await install()
  await rm(join(folder, 'build'), { recursive: true })
  expect(await starts()).toBe('sources an argument b')
})

test('the bundle, where there are no sources', async () => {
  const { folder, starts } = await install()
  await rm(join(folder, 'src'), { recursive: true })
  expect(await starts()).toBe('bundle an argument b')
})

test('the sources, where they were edited while the bundle was made', async () => {
  const { folder, bundle, starts } = await install()
  await write(folder, 'src/model/one.ts', 'export {}')
  await sleep(20)
  await bundle()
  expect(await starts()).toBe('sources an argument b')
})

test('the sources, in a copy whose times tell nothing', async () => {
  const { folder } = await install()
  await write(folder, 'src/model/one.ts', 'export {}')
  await sleep(20)
  const copy = join(folder, 'copy')
  onTestFinished(() => rm(copy, { recursive: true }))
  for (const part of ['bin', 'scripts', 'node_modules', 'package.json', 'package-lock.json', 'src', 'build']) {
    await cp(join(folder, part), join(copy, part), { recursive: true, verbatimSymlinks: true })
  }
  expect(await starts(copy)).toBe('sources an argument b')
})

test('whoever runs what root has installed may look into the bundle', async () => {
  expect((await stat(join(root, 'build/keyturn'))).mode & 0o777).toBe(0o755)
})

test.each<[string, (folder: string) => Promise<void>]>([
  ['a source was written', (folder) => write(folder, 'src/model/one.ts', 'export {}')],
  ['a source was added', (folder) => write(folder, 'src/model/two.ts', '')],
  ['a source is gone', (folder) => rm(join(folder, 'src/model/one.ts'))],
  ['other packages are wanted', (folder) => write(folder, 'package-lock.json', '{ }')],
  [
    'an older version was unpacked over it, with its times',
    async (folder) => {
      await write(folder, 'src/model/one.ts', '// of last year')
      await utimes(join(folder, 'src/model/one.ts'), new Date('2025-01-01'), new Date('2025-01-01'))
      await utimes(join(folder, 'src/model'), new Date('2025-01-01'), new Date('2025-01-01'))
    },
  ],
])('the sources, after %s', async (_, touch) => {
  const { folder, starts } = await install()
  await touch(folder)
  expect(await starts()).toBe('sources an argument b')
})
