// What systemd itself says about the unit: there is none running here that could start it.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root, textOf } from './files.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyturn-unit-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Exit code and words of systemd-analyze for a unit that starts the program of this folder. */
async function analyze(unit: string, ...args: string[]): Promise<{ code: number; said: string }> {
  const file = join(folder, 'keyturn.service')
  await writeFile(file, unit.replaceAll('/opt/keyturn', root.replace(/\/$/, '')))
  return new Promise((resolve) => {
    execFile('systemd-analyze', [...args, '--no-pager', file], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : 1, said: stdout + stderr })
    })
  })
}

const verify = (unit: string) => analyze(unit, 'verify', '--man=no', '--recursive-errors=no')
/** Fails above an exposure level of 2.0 of 10; the numbers of several versions of systemd differ by a few tenths. */
const security = (unit: string) => analyze(unit, 'security', '--offline=true', '--threshold=20')

test('the unit is right, with and without the drop-in for credentials', async () => {
  const unit = await textOf('deploy/systemd/keyturn.service')
  expect(await verify(unit)).toEqual({ code: 0, said: '' })
  await mkdir(join(folder, 'keyturn.service.d'))
  await writeFile(
    join(folder, 'keyturn.service.d', 'credentials.conf'),
    await textOf('deploy/systemd/credentials.conf'),
  )
  expect(await verify(unit)).toEqual({ code: 0, said: '' })
})

test('a misspelt key of the unit would be found', async () => {
  const { code, said } = await verify(
    (await textOf('deploy/systemd/keyturn.service')).replace('WatchdogSec', 'WatchdugSec'),
  )
  expect(code).toBe(1)
  expect(said).toContain('WatchdugSec')
})

test('systemd thinks the unit well protected (docs/operation.md has the number), and would notice if it were not', async () => {
  const unit = await textOf('deploy/systemd/keyturn.service')
  expect((await security(unit)).code).toBe(0)
  const without = (lines: RegExp) =>
    unit
      .split('\n')
      .filter((line) => !lines.test(line))
      .join('\n')
  expect((await security(without(/^CapabilityBoundingSet=/))).code).toBe(1)
  expect((await security(without(/^(?:Protect|Private|Restrict)/))).code).toBe(1)
})

test('a graceful stop has the time that it needs, and whoever hangs is started again', async () => {
  const unit = await textOf('deploy/systemd/keyturn.service')
  for (const line of [
    'Type=notify',
    'NotifyAccess=all',
    'Restart=always',
    'KillMode=mixed',
    'WatchdogSec=30s',
    'LimitCORE=0',
  ]) {
    expect(unit.split('\n')).toContain(line)
  }
  expect(unit).toMatch(/^ExecReload=\/bin\/kill -HUP \$MAINPID$/m)
})
