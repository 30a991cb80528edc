import { execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'

export interface SlapdOptions {
  /** An existing folder that belongs to this server alone. */
  readonly folder: string
  readonly suffix: string
  /** LDIF of what stands in the directory at the start, the suffix itself included. */
  readonly ldif: string
  /** DN of an entry in the LDIF that may write everything below the suffix, passwords and operational attributes too. */
  readonly manager: string
  /** DN of the default password policy in the LDIF. */
  readonly policy: string
  /** Leave the disk out of it (`dbnosync`): for benchmarks, and where the folder is thrown away anyway. */
  readonly nosync?: boolean
  /** It goes on when this process ends. */
  readonly detached?: boolean
}

export interface Slapd extends AsyncDisposable {
  /** ldap:// on the loopback address. */
  readonly url: string
  readonly pid: number
}

/** Where Debian, Fedora and Homebrew have the program, its schema files and its modules. */
const programFolders = [
  '/usr/sbin',
  '/usr/libexec',
  '/opt/homebrew/opt/openldap/libexec',
  '/usr/local/opt/openldap/libexec',
]
const schemaFolders = [
  '/etc/ldap/schema',
  '/etc/openldap/schema',
  '/opt/homebrew/etc/openldap/schema',
  '/usr/local/etc/openldap/schema',
]
const moduleFolders = ['/usr/lib/ldap', '/usr/lib64/openldap', '/usr/lib/openldap']
const modules = ['back_mdb', 'ppolicy', 'memberof', 'refint', 'unique']

/** Path of a program such as `slapd` or `redis-server`, or null where it is not installed. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...programFolders]
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null
}

/** Starts a slapd with a password policy on a free port. Throws Error with what slapd said. */
export async function startSlapd(options: SlapdOptions): Promise<Slapd> {
  const program = findProgram('slapd')
  const schema = schemaFolders.find((folder) => existsSync(folder))
  if (program === null || schema === undefined) throw new Error('slapd is not installed')
  const file = join(options.folder, 'slapd.conf')
  const ldif = join(options.folder, 'start.ldif')
  await mkdir(join(options.folder, 'data'), { recursive: true })
  await writeFile(file, configuration(options, schema), { mode: 0o600 })
  await writeFile(ldif, options.ldif, { mode: 0o600 })
  await promisify(execFile)(program, ['-T', 'add', '-q', '-f', file, '-l', ldif])
  for (let attempt = 1; ; attempt++) {
    const url = `ldap://127.0.0.1:${await freePort()}`
    try {
      return await launch(program, file, url, options)
    } catch (error) {
      // Somebody else took the port between the look and the start.
      if (attempt === 5) throw error
    }
  }
}

function configuration(options: SlapdOptions, schema: string): string {
  const moduleFolder = moduleFolders.find((folder) => existsSync(folder))
  const present = modules.filter((name) =>
    ['.la', '.so'].some((end) => moduleFolder !== undefined && existsSync(join(moduleFolder, name + end))),
  )
  const quoted = (text: string) => `"${text}"`
  const manager = `by dn.exact=${quoted(options.manager)} manage`
  return [
    ...['core', 'cosine', 'inetorgperson', 'nis'].map((name) => `include ${join(schema, `${name}.schema`)}`),
    ...(moduleFolder === undefined ? [] : [`modulepath ${moduleFolder}`]),
    ...present.map((name) => `moduleload ${name}`),
    `pidfile ${join(options.folder, 'slapd.pid')}`,
    'sizelimit unlimited',
    'database mdb',
    `suffix ${quoted(options.suffix)}`,
    `directory ${join(options.folder, 'data')}`,
    'maxsize 4294967296',
    ...(options.nosync === true ? ['dbnosync'] : []),
    'index objectClass,uid,cn,employeeNumber,uidNumber,entryUUID,member eq',
    `access to attrs=userPassword ${manager} by self write by anonymous auth`,
    `access to * ${manager} by users read`,
    'overlay ppolicy',
    `ppolicy_default ${quoted(options.policy)}`,
    'ppolicy_use_lockout',
    'ppolicy_hash_cleartext',
    '',
  ].join('\n')
}

async function launch(program: string, file: string, url: string, options: SlapdOptions): Promise<Slapd> {
  const server = [program, '-f', file, '-h', url, '-d', '0']
  // The shell ends slapd when its standard input closes: it cannot outlive this process, however that ends.
  const guarded = ['-c', '"$@" & server=$!; cat >/dev/null; kill $server; wait $server', 'sh', ...server]
  const child =
    options.detached === true
      ? spawn(program, server.slice(1), { detached: true, stdio: 'ignore' })
      : spawn('sh', guarded, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const deadline = Date.now() + 10_000
  while (!(await answers(Number(new URL(url).port)))) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`slapd did not start on ${url}`)
    await pause(20)
  }
  if (options.detached === true) child.unref()
  const pid = Number(await readFile(join(options.folder, 'slapd.pid'), 'utf8'))
  return {
    url,
    pid,
    async [Symbol.asyncDispose]() {
      if (child.stdin === null) child.kill()
      else child.stdin.end()
      await exited
    },
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** `{SSHA}`: how slapd stores a password (OpenLDAP Administrator's Guide, section 14.4). */
export function hashPassword(password: string): string {
  const salt = randomBytes(8)
  const hash = createHash('sha1').update(password).update(salt).digest()
  return `{SSHA}${Buffer.concat([hash, salt]).toString('base64')}`
}
