// A real OpenLDAP server in a temporary folder, on free ports, with a service account that is not its root: the root would
// bypass the password policy and the limits.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificates } from './certificates.ts'
import type { Certificates } from './certificates.ts'
import type { LdapServer } from './ldap-server.ts'
import { freePort, listening } from './ports.ts'

export interface SlapdOptions {
  /** false: plain ldap:// only, ready 50 ms sooner. */
  readonly tls?: boolean
  /** The password policy overlay: with pwdLockout TRUE, FALSE, or not at all (the default). */
  readonly ppolicy?: 'lockout' | 'no-lockout'
  /** Lets the server say in the password policy control that an account is locked. */
  readonly useLockout?: boolean
  /** pwdCheckQuality of the policy: 2 refuses passwords that come hashed. */
  readonly quality?: 1 | 2
  /** true: every write goes to the disk, as in production. */
  readonly sync?: boolean
  readonly memberof?: boolean
  readonly refint?: boolean
  /** Every write is noted in `cn=accesslog`, which the service account may read. */
  readonly accesslog?: boolean
  /** So many people p0, p1, … in `ou=people`, each with the employeeNumber of the same name, loaded before the start. */
  readonly people?: number
  /** LDIF that is loaded before the start (40,000 entries a second). */
  readonly entries?: string | AsyncIterable<string> | Iterable<string>
  /** Every operation is told in `said()`: searches with base, scope, filter and how many entries they gave. */
  readonly stats?: boolean
  /** false: no unlimited reads for the service account. */
  readonly unlimited?: boolean
  /** Lines for the database section of slapd.conf, before the access rules. */
  readonly configuration?: readonly string[]
  /** Replaces the access rules that let the service account manage everything. */
  readonly access?: readonly string[]
}

export interface Slapd extends LdapServer, AsyncDisposable {
  readonly folder: string
  readonly port: number
  readonly plainUrl: string
  /** What it has told since its start. */
  said(): string
  /** Ends the process at once, as a power cut would; the data stay. */
  kill(): Promise<void>
  /** Starts it again, on the same data and ports. */
  start(): Promise<void>
  restart(): Promise<void>
  /** Stops the process where it stands (SIGSTOP): its ports still accept, and nothing answers. */
  freeze(): void
  thaw(): void
}

const base = 'dc=corp,dc=example'
const service = { dn: `cn=keyturn,ou=services,${base}`, password: 'service-account-of-tests' }
const root = { dn: `cn=root,${base}`, password: 'root-of-tests' }
const schemas = ['/etc/ldap/schema', '/etc/openldap/schema', '/opt/homebrew/etc/openldap/schema']
const modules = ['/usr/lib/ldap', '/usr/lib64/openldap', '/usr/lib/openldap']
const binaries = ['/usr/sbin', '/usr/local/libexec', '/usr/lib/openldap', '/opt/homebrew/opt/openldap/libexec']

/** Starts a server with `ou=people`, `ou=groups`, `ou=leavers` and `ou=policies` in it; ready in well under a second. */
export async function startSlapd(options: SlapdOptions = {}): Promise<Slapd> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-slapd-'))
  try {
    const certificates = options.tls === false ? undefined : await makeCertificates(folder)
    await mkdir(join(folder, 'data'))
    if (options.accesslog === true) await mkdir(join(folder, 'accesslog'))
    await writeFile(join(folder, 'slapd.conf'), configuration(folder, options, certificates))
    await load(folder, options)
    const slapd = await describe(folder, certificates, options.stats === true ? '256' : '0')
    await slapd.start()
    return slapd
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

function first(candidates: readonly string[], file: string): string {
  const found = candidates.find((folder) => existsSync(join(folder, file)))
  if (found === undefined) throw new Error(`OpenLDAP is not installed: no ${file} in ${candidates.join(', ')}`)
  return found
}

function configuration(folder: string, options: SlapdOptions, certificates: Certificates | undefined): string {
  const schema = first(schemas, 'core.schema')
  const moduleFolder = modules.find((path) => existsSync(path))
  const overlays = [
    ...(options.ppolicy === undefined ? [] : ['ppolicy']),
    ...(options.memberof === true ? ['memberof'] : []),
    ...(options.refint === true ? ['refint'] : []),
    ...(options.accesslog === true ? ['accesslog'] : []),
  ]
  return `${[
    ...['core', 'cosine', 'inetorgperson', 'nis'].map((name) => `include ${schema}/${name}.schema`),
    // The schema of openssh-lpk, which Debian does not ship.
    `attributetype ( 1.3.6.1.4.1.24552.500.1.1.1.13 NAME 'sshPublicKey' EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )`,
    `objectclass ( 1.3.6.1.4.1.24552.500.1.1.2.0 NAME 'ldapPublicKey' SUP top AUXILIARY MUST ( sshPublicKey $ uid ) )`,
    ...(moduleFolder === undefined ? [] : [`modulepath ${moduleFolder}`]),
    ...['back_mdb', ...overlays].map((name) => `moduleload ${name}`),
    `pidfile ${folder}/slapd.pid`,
    'threads 8',
    ...(certificates === undefined
      ? []
      : [
          `TLSCACertificateFile ${certificates.ca}`,
          `TLSCertificateFile ${certificates.certificate}`,
          `TLSCertificateKeyFile ${certificates.key}`,
        ]),
    ...(options.accesslog === true ? accesslogDatabase(folder, options) : []),
    'database mdb',
    `suffix "${base}"`,
    `rootdn "${root.dn}"`,
    `rootpw ${root.password}`,
    `directory ${folder}/data`,
    `maxsize ${4 * 1024 ** 3}`,
    ...(options.sync === true ? [] : ['dbnosync']),
    'index objectClass,entryUUID,uid,uidNumber,mail,employeeNumber,cn,member,uniqueMember,memberUid eq',
    ...unlimited(options),
    ...(options.configuration ?? []),
    ...(options.access ?? [
      'access to attrs=userPassword',
      `  by dn.exact="${service.dn}" manage`,
      '  by self =w',
      '  by anonymous auth',
      'access to *',
      `  by dn.exact="${service.dn}" manage`,
      '  by users read',
    ]),
    ...(options.ppolicy === undefined ? [] : ['overlay ppolicy', `ppolicy_default "cn=default,ou=policies,${base}"`]),
    ...(options.ppolicy === undefined ? [] : ['ppolicy_hash_cleartext']),
    ...(options.useLockout === true ? ['ppolicy_use_lockout'] : []),
    ...(options.memberof === true ? ['overlay memberof'] : []),
    ...(options.refint === true ? ['overlay refint', 'refint_attributes member uniqueMember manager'] : []),
    ...(options.accesslog === true ? ['overlay accesslog', 'logdb cn=accesslog', 'logops writes'] : []),
    ...(options.accesslog === true ? ['logsuccess TRUE'] : []),
  ].join('\n')}\n`
}

function unlimited(options: SlapdOptions): string[] {
  return options.unlimited === false ? [] : [`limits dn.exact="${service.dn}" size=unlimited time=unlimited`]
}

/** With the indexes of the Administrator's Guide (section 18.3.2), and no others. */
function accesslogDatabase(folder: string, options: SlapdOptions): string[] {
  return [
    'database mdb',
    'suffix cn=accesslog',
    'rootdn cn=accesslog',
    `directory ${folder}/accesslog`,
    `maxsize ${1024 ** 3}`,
    'dbnosync',
    'index default eq',
    'index entryCSN,objectClass,reqEnd,reqResult,reqStart',
    ...unlimited(options),
    `access to * by dn.exact="${service.dn}" read`,
  ]
}

function* skeleton(options: SlapdOptions): Generator<string> {
  yield `dn: ${base}\nobjectClass: dcObject\nobjectClass: organization\ndc: corp\no: Example Corp\n\n`
  for (const unit of ['people', 'groups', 'leavers', 'services', 'policies']) {
    yield `dn: ou=${unit},${base}\nobjectClass: organizationalUnit\nou: ${unit}\n\n`
  }
  yield `dn: ${service.dn}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: keyturn\nuserPassword: ${service.password}\n\n`
  if (options.ppolicy !== undefined) {
    yield `dn: cn=default,ou=policies,${base}\nobjectClass: organizationalRole\nobjectClass: pwdPolicy\ncn: default\n` +
      `pwdAttribute: userPassword\npwdMinLength: 10\npwdCheckQuality: ${options.quality ?? 1}\npwdMaxFailure: 5\n` +
      `pwdLockout: ${options.ppolicy === 'lockout' ? 'TRUE' : 'FALSE'}\npwdMustChange: TRUE\n\n`
  }
}

function* population(count: number): Generator<string> {
  const classes = ['inetOrgPerson', 'organizationalPerson', 'person'].map((name) => `objectClass: ${name}\n`).join('')
  for (let n = 0; n < count; n++) {
    yield `dn: uid=p${n},ou=people,${base}\n${classes}uid: p${n}\ncn: Person ${n}\nsn: ${n}\nemployeeNumber: p${n}\n` +
      `displayName: Person ${n}\nuserPassword: password-of-p${n}\n\n`
  }
}

/** Loads the skeleton and the caller's entries with slapadd. */
async function load(folder: string, options: SlapdOptions): Promise<void> {
  const program = existsSync('/usr/sbin/slapadd') ? '/usr/sbin/slapadd' : 'slapadd'
  const child = spawn(program, ['-q', '-b', base, '-f', join(folder, 'slapd.conf')], {
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()))
  const ended = new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject))
  child.stdin.on('error', () => undefined)
  const entries = typeof options.entries === 'string' ? [options.entries] : (options.entries ?? [])
  for (const texts of [skeleton(options), population(options.people ?? 0), entries]) {
    for await (const text of texts) {
      if (!child.stdin.write(text)) await new Promise((resolve) => child.stdin.once('drain', resolve))
    }
  }
  child.stdin.end()
  if ((await ended) !== 0) throw new Error(`slapadd failed: ${errors}`)
}

async function describe(folder: string, certificates: Certificates | undefined, level: string): Promise<Slapd> {
  const port = await freePort()
  const securePort = certificates === undefined ? undefined : await freePort()
  const plainUrl = `ldap://127.0.0.1:${port}`
  const url = securePort === undefined ? plainUrl : `ldaps://localhost:${securePort}`
  const program = join(first(binaries, 'slapd'), 'slapd')
  let process: ChildProcess | undefined
  let errors = ''
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const running = process
    process = undefined
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const closed = new Promise((resolve) => running.once('close', resolve))
    running.kill(signal)
    await closed
  }
  const start = async (): Promise<void> => {
    const listeners = [plainUrl, ...(securePort === undefined ? [] : [`ldaps://127.0.0.1:${securePort}`])]
    const child = spawn(program, ['-f', join(folder, 'slapd.conf'), '-h', listeners.join(' '), '-d', level], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    process = child
    errors = ''
    child.stderr.on('data', (text: Buffer) => (errors += text.toString()))
    await listening(port, () => (child.exitCode === null ? null : errors))
  }
  return {
    folder,
    port,
    plainUrl,
    url,
    ca: certificates?.ca,
    base,
    people: `ou=people,${base}`,
    groups: `ou=groups,${base}`,
    leavers: `ou=leavers,${base}`,
    service,
    root,
    said: () => errors,
    kill: () => end('SIGKILL'),
    start,
    async restart() {
      await end('SIGKILL')
      await start()
    },
    freeze: () => void process?.kill('SIGSTOP'),
    thaw: () => void process?.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await end('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
