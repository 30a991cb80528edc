// A real Samba Active Directory domain controller, without containers. Its ports are fixed (389, 636, 3268, 3269, 88), so
// every instance has a loopback address of its own: any number can run at once, beside any slapd. Needs Linux and root.
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createHash, randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, lstat, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from 'ldapts'

const run = promisify(execFile)
const program = 'samba'
const realm = 'CORP.EXAMPLE'
const domain = 'corp.example'
const workgroup = 'CORP'
const host = 'dc1'
const administratorPassword = 'Adm1nistrator-of-tests'

/** The certificate that Samba makes for itself is for this name. */
const servername = `${host.toUpperCase()}.${domain}`
const environment = {
  ...process.env,
  PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`,
  LC_ALL: 'C',
}

const recipe = [
  'domain',
  'provision',
  `--realm=${realm}`,
  `--domain=${workgroup}`,
  `--host-name=${host}`,
  '--host-ip=127.0.0.1',
  `--adminpass=${administratorPassword}`,
  '--server-role=dc',
  '--dns-backend=NONE',
  '--use-rfc2307',
  '--option=vfs objects=fake_perms xattr_tdb',
]

/** Without `rpc` and `s3fs` no smbd is started, which would end the whole process here. */
function configuration(folder: string, address: string): string {
  return `[global]
  netbios name = ${host}
  realm = ${realm}
  workgroup = ${workgroup}
  server role = active directory domain controller
  server services = ldap, kdc
  interfaces = ${address}/8
  bind interfaces only = yes
  lock directory = ${folder}
  cache directory = ${folder}/cache
  private dir = ${folder}/private
  state directory = ${folder}/state
  pid directory = ${folder}/pid
  ncalrpc dir = ${folder}/ncalrpc
  binddns dir = ${folder}/bind-dns
  log file = ${folder}/log.%m
  idmap_ldb:use rfc2307 = yes
  vfs objects = fake_perms xattr_tdb
  ldb:nosync = true
`
}

export interface Samba extends AsyncDisposable {
  readonly address: string
  /** ldaps:// */
  readonly url: string
  /** ldap://, for what must be refused there. */
  readonly plainUrl: string
  readonly servername: string
  /** PEM file of the authority that signed the server's certificate. */
  readonly ca: string
  readonly realm: string
  readonly domain: string
  readonly base: string
  readonly administrator: { readonly dn: string; readonly password: string }
  /** A client that is signed in as the administrator; the caller unbinds it. */
  client(): Promise<Client>
  /** Signs in with Kerberos, as a workstation would: null when a ticket was given, else what kinit says. */
  kinit(user: string, password: string): Promise<string | null>
  /** Runs samba-tool on the domain's own files, with all rights. */
  tool(...words: readonly string[]): Promise<void>
  /** Ends the process at once, as a power cut would; the data stay. */
  kill(): Promise<void>
  /** Starts it again on the same address with the same data. */
  start(): Promise<void>
}

/** Starts a fresh domain. The first call on a machine provisions it (4 s) and keeps the result for copying. */
export async function startSamba(): Promise<Samba> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-samba-run-'))
  try {
    await cp(await provisioned(), folder, { recursive: true, filter: async (from) => !(await lstat(from)).isSocket() })
    const address = `127.${randomInt(64, 128)}.${randomInt(1, 255)}.${randomInt(1, 255)}`
    const samba = describe(folder, address)
    await samba.start()
    return samba
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

function describe(folder: string, address: string): Samba {
  const base = domain
    .split('.')
    .map((label) => `DC=${label}`)
    .join(',')
  const administrator = { dn: `CN=Administrator,CN=Users,${base}`, password: administratorPassword }
  const ca = join(folder, 'private/tls/ca.pem')
  const url = `ldaps://${address}`
  let process: ChildProcess | undefined
  const kill = async (): Promise<void> => {
    await end(process)
    process = undefined
  }
  const client = (): Promise<Client> => signIn(url, ca, administrator)
  return {
    address,
    url,
    plainUrl: `ldap://${address}`,
    servername,
    ca,
    realm,
    domain,
    base,
    administrator,
    client,
    kill,
    start: async () => {
      process = await launch(folder, address, client)
    },
    tool: async (...words) => {
      await run('samba-tool', [...words, '-H', join(folder, 'private/sam.ldb')], { env: environment })
    },
    kinit: (user, password) => kinit(folder, address, user, password),
    async [Symbol.asyncDispose]() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function signIn(url: string, ca: string, who: { dn: string; password: string }): Promise<Client> {
  const client = new Client({ url, connectTimeout: 5_000, tlsOptions: { ca: await readFile(ca), servername } })
  try {
    await client.bind(who.dn, who.password)
    return client
  } catch (error) {
    await client.unbind().catch(() => undefined)
    throw error
  }
}

/** The folder that is copied; made once per machine and recipe, and put in place in one step so that two runs may race. */
async function provisioned(): Promise<string> {
  const text = JSON.stringify([
    recipe,
    configuration('', ''),
    (await run(program, ['--version'], { env: environment })).stdout,
  ])
  const version = createHash('sha256').update(text).digest('hex').slice(0, 12)
  const cached = join(tmpdir(), `keyturn-samba-${userInfo().username}-${version}`)
  if (existsSync(cached)) return cached
  const fresh = await mkdtemp(join(tmpdir(), 'keyturn-samba-new-'))
  await run('samba-tool', [...recipe, `--targetdir=${fresh}`], { env: environment })
  await warmUp(fresh)
  await rename(fresh, cached).catch(async (error: unknown) => {
    await rm(fresh, { recursive: true, force: true })
    if (!existsSync(cached)) throw error
  })
  return cached
}

/** The first start makes the certificates, which takes a second or more. */
async function warmUp(folder: string): Promise<void> {
  const samba = describe(folder, `127.63.${randomInt(1, 255)}.${randomInt(1, 255)}`)
  await samba.start()
  await samba.kill()
}

async function launch(folder: string, address: string, client: () => Promise<Client>): Promise<ChildProcess> {
  await mkdir(join(folder, 'pid'), { recursive: true })
  const file = join(folder, 'etc/smb.conf')
  await writeFile(file, configuration(folder, address))
  // Samba in the foreground ends when its standard input closes: it cannot outlive the tests, however they end.
  const samba = spawn(program, ['-s', file, '-i', '-M', 'single', '--debug-stdout'], {
    detached: true,
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let said = ''
  const hear = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-4_000)
  }
  samba.stdout.on('data', hear)
  samba.stderr.on('data', hear)
  samba.on('error', (error) => hear(Buffer.from(String(error))))
  const deadline = Date.now() + 60_000
  for (;;) {
    const problem = await client().then(
      (bound) => bound.unbind().then(() => null),
      (error: unknown) => String(error),
    )
    if (problem === null) return samba
    if (samba.exitCode !== null || samba.pid === undefined || Date.now() > deadline) {
      await end(samba)
      throw new Error(`Samba on ${address} did not answer (${problem}). It said:\n${said}`)
    }
    await pause(50)
  }
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
  })
  // Negative: its whole process group, which `detached` made its own.
  process.kill(-child.pid, 'SIGKILL')
  await exited
}

async function kinit(folder: string, address: string, user: string, password: string): Promise<string | null> {
  const file = join(folder, 'krb5-client.conf')
  const settings = `[libdefaults]\n default_realm = ${realm}\n dns_lookup_kdc = false\n[realms]\n ${realm} = {\n  kdc = ${address}:88\n }\n`
  await writeFile(file, settings)
  const cache = `FILE:${join(folder, `ticket-${randomInt(1_000_000)}`)}`
  const attempt = run('kinit', ['-c', cache, user], { env: { ...environment, KRB5_CONFIG: file }, timeout: 20_000 })
  attempt.child.stdin?.end(`${password}\n`)
  return attempt.then(
    () => null,
    (error: unknown) => (error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error)),
  )
}
