// The company for trying, without its containers: the same script starts the directory, the same configuration is applied.
import { execFile, spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { freePort, listening } from '../../servers/ports.ts'
import { root } from './files.ts'

const password = 'an-invented-password-for-trying'
const schemas = ['/etc/ldap/schema', '/etc/openldap/schema', '/opt/homebrew/etc/openldap/schema']
const modules = ['/usr/lib/ldap', '/usr/lib64/openldap', '/usr/lib/openldap']
const present = (folders: readonly string[]) => folders.find((folder) => existsSync(folder)) ?? ''

async function startDirectory(folder: string): Promise<AsyncDisposable & { readonly port: number }> {
  const port = await freePort()
  const env = {
    ...process.env,
    KEYTURN_TRY_PASSWORD: password,
    TRY_LDAP_FOLDER: folder,
    TRY_LDAP_PORT: String(port),
    TRY_LDAP_SCHEMA: present(schemas),
    TRY_LDAP_MODULES: present(modules),
  }
  const slapd = spawn('/bin/sh', [join(root, 'deploy/try/openldap/start.sh')], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  slapd.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  await listening(port, () => (slapd.exitCode === null ? null : said))
  const ended = new Promise((resolve) => slapd.once('exit', resolve))
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      slapd.kill()
      await ended
    },
  }
}

/** The configuration as it stands, with the addresses of this machine in place of those of the containers. */
async function configure(folder: string, port: number): Promise<string> {
  await cp(join(root, 'deploy/try/config'), folder, { recursive: true })
  const file = join(folder, 'keyturn.yaml')
  const text = await readFile(file, 'utf8')
  const changed = text
    .replace('ldap://openldap:1389', `ldap://127.0.0.1:${port}`)
    .replace('sqlite:/var/lib/keyturn/keyturn.db', `sqlite:${folder}/keyturn.db`)
    .replace('redis://redis:6379', 'embedded')
    .replace('/srv/feeds/employees.csv', join(root, 'deploy/try/feeds/employees.csv'))
  await writeFile(file, changed)
  return file
}

function keyturn(file: string, ...args: string[]): Promise<{ code: number; said: string }> {
  const env = { ...process.env, KEYTURN_TRY_PASSWORD: password }
  return new Promise((resolve) => {
    execFile(join(root, 'bin/keyturn'), [...args, '--config', file], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), said: stdout + stderr })
    })
  })
}

test('the company for trying gets its accounts, and afterwards nothing is left to do, also when the directory was restarted', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-try-'))
  {
    await using directory = await startDirectory(folder)
    const file = await configure(folder, directory.port)
    expect((await keyturn(file, 'plan')).code).toBe(2)
    const { code, said } = await keyturn(file, 'apply')
    expect([code, said]).toEqual([0, expect.stringMatching(/directory +5 /)])
    expect((await keyturn(file, 'plan')).code).toBe(0)
  }
  await using again = await startDirectory(folder)
  expect((await keyturn(await configure(folder, again.port), 'plan')).code).toBe(0)
  await rm(folder, { recursive: true, force: true })
})
