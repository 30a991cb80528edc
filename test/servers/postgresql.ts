// A real PostgreSQL server in a temporary folder on a free loopback port, with a password, as a shared one would be.
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { appendFile, chmod, chown, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { makeCertificates } from './certificates.ts'
import { freePort, listening } from './ports.ts'

const run = promisify(execFile)
const password = 'postgresql-of-tests'

export interface PostgresServer extends AsyncDisposable {
  readonly folder: string
  readonly port: number
  readonly password: string
  /** Who signed its certificate; undefined without TLS. */
  readonly ca: string | undefined
  /** The address of a database as the user `keyturn`, who owns it. */
  url(database: string): string
  /** Runs commands as the superuser. */
  query(text: string, database?: string): Promise<readonly Record<string, unknown>[]>
  /** Makes an empty database, or a copy of another one that nobody uses; returns its URL. */
  create(database: string, template?: string): Promise<string>
  drop(database: string): Promise<void>
  /** Ends all of its processes at once, as a power cut would; what was committed stays. */
  kill(): Promise<void>
  start(): Promise<void>
  restart(): Promise<void>
  /** Stops its first process where it stands (SIGSTOP): its port still accepts, and nobody new is answered. */
  freeze(): void
  thaw(): void
}

export async function startPostgres({ tls = false } = {}): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-postgresql-'))
  try {
    const owner = await ownerOf(folder)
    await initialise(folder, owner)
    const ca = tls ? await addCertificate(folder, owner) : undefined
    const port = await freePort()
    const server = describe(folder, port, owner, ca)
    await server.start()
    await server.query(`create role keyturn login password '${password}'`)
    return server
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

type Owner = { readonly uid: number; readonly gid: number } | Record<string, never>

/** PostgreSQL refuses to run as root: then it runs as the user that its package has made. */
async function ownerOf(folder: string): Promise<Owner> {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'postgres'])).stdout)),
  )
  if (uid === undefined || gid === undefined) throw new Error('there is no user postgres')
  await chown(folder, uid, gid)
  return { uid, gid }
}

/** Debian keeps the programs of each version in a folder of its own, out of the PATH. */
function program(name: string): string {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : []
  const found = versions.map((version) => join(debian, version, 'bin', name)).find((path) => existsSync(path))
  return found ?? name
}

async function initialise(folder: string, owner: Owner): Promise<void> {
  const secret = join(folder, 'password')
  await writeFile(secret, `${password}\n`)
  if ('uid' in owner) await chown(secret, owner.uid, owner.gid)
  const data = join(folder, 'data')
  const how = ['--no-sync', '--auth=scram-sha-256', '--username=postgres', `--pwfile=${secret}`]
  // Another order of letters than that of bytes: the ledger must not depend on it.
  const language = ['--encoding=UTF8', '--locale=C.UTF-8', '--locale-provider=icu', '--icu-locale=en']
  await run(program('initdb'), ['-D', data, ...how, ...language], owner)
  const settings = [
    'fsync = off',
    "unix_socket_directories = ''",
    // The second is in no certificate.
    "listen_addresses = '127.0.0.1, 127.0.0.2'",
    'max_connections = 200',
  ]
  await appendFile(join(data, 'postgresql.conf'), `${settings.join('\n')}\n`)
}

async function addCertificate(folder: string, owner: Owner): Promise<string> {
  const { ca, certificate, key } = await makeCertificates(folder)
  for (const [from, name] of [
    [certificate, 'server.crt'],
    [key, 'server.key'],
  ] as const) {
    const to = join(folder, 'data', name)
    await copyFile(from, to)
    await chmod(to, 0o600)
    if ('uid' in owner) await chown(to, owner.uid, owner.gid)
  }
  await appendFile(join(folder, 'data/postgresql.conf'), 'ssl = on\n')
  return ca
}

function describe(folder: string, port: number, owner: Owner, ca: string | undefined): PostgresServer {
  const administrator = { host: '127.0.0.1', port, user: 'postgres', password }
  let child: ChildProcess | null = null
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const running = child
    child = null
    if (running === null || running.exitCode !== null || running.signalCode !== null) return
    const ended = once(running, 'exit')
    running.kill('SIGCONT')
    running.kill(signal)
    await ended
  }
  const start = async (): Promise<void> => {
    const started = spawn(program('postgres'), ['-D', join(folder, 'data'), '-p', String(port)], {
      ...owner,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    started.stderr.on('data', (text: Buffer) => (said += text.toString()))
    child = started
    await listening(port, () => (started.exitCode === null ? null : said))
    await ready(administrator)
  }
  const query = async (text: string, database = 'postgres') => {
    const client = new Client({ ...administrator, database })
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(text)).rows
    } finally {
      await client.end()
    }
  }
  const url = (database: string) => `postgres://keyturn:${password}@127.0.0.1:${port}/${database}`
  return {
    folder,
    port,
    password,
    ca,
    url,
    query,
    async create(database, template = 'template0') {
      await query(`create database "${database}" owner keyturn template "${template}"`)
      return url(database)
    },
    async drop(database) {
      await query(`drop database if exists "${database}" with (force)`)
    },
    kill: () => end('SIGQUIT'),
    start,
    async restart() {
      await end('SIGINT')
      await start()
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await end('SIGQUIT')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** It listens before it lets anybody in. */
async function ready(administrator: { readonly host: string; readonly port: number }): Promise<void> {
  for (const deadline = Date.now() + 20_000; ; ) {
    const client = new Client({ ...administrator, database: 'postgres' })
    try {
      await client.connect()
      await client.end()
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
