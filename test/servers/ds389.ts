// A real 389 Directory Server in a temporary folder, started by hand: its own dscreate wants systemd. Needs root.
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { appendFile, chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'ldapts'
import { makeCertificates } from './certificates.ts'
import type { Certificates } from './certificates.ts'
import type { LdapServer } from './ldap-server.ts'
import { freePort, listening } from './ports.ts'

const run = promisify(execFile)
const base = 'dc=corp,dc=example'
const root = { dn: 'cn=root', password: 'root-of-tests' }
const service = { dn: `uid=keyturn,ou=services,${base}`, password: 'service-account-of-tests' }

export interface Ds389 extends LdapServer, AsyncDisposable {
  readonly ca: string
}

/** Starts a server with `ou=people`, `ou=groups` and `ou=leavers`, and a service account that may manage them. */
export async function startDs389(): Promise<Ds389> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-ds389-'))
  let process: ChildProcess | undefined
  const dispose = async (): Promise<void> => {
    if (process !== undefined && process.exitCode === null) {
      const closed = new Promise((resolve) => process?.once('close', resolve))
      process.kill('SIGKILL')
      await closed
    }
    await rm(folder, { recursive: true, force: true })
  }
  try {
    // ns-slapd gives up root's rights and goes on as dirsrv.
    await chmod(folder, 0o755)
    const certificates = await makeCertificates(folder)
    const [port, securePort] = [await freePort(), await freePort()]
    await configure(folder, certificates, { port, securePort })
    await run('chown', ['-R', 'dirsrv:dirsrv', folder])
    const child = spawn('/usr/sbin/ns-slapd', ['-D', join(folder, 'etc'), '-i', join(folder, 'run/pid'), '-d', '0'], {
      stdio: 'ignore',
    })
    process = child
    await listening(securePort, () => (child.exitCode === null ? null : `exit code ${child.exitCode}`))
    await populate(`ldap://127.0.0.1:${port}`)
    const unit = (name: string): string => `ou=${name},${base}`
    const places = { base, people: unit('people'), groups: unit('groups'), leavers: unit('leavers') }
    const url = `ldaps://localhost:${securePort}`
    return { url, ca: certificates.ca, ...places, service, root, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    const log = await readFile(join(folder, 'log/errors'), 'utf8').catch(() => 'no log')
    await dispose()
    throw new Error(`389 Directory Server did not start: ${log.slice(-1_000)}`, { cause: error })
  }
}

/** Fills in the template that the package brings, as dscreate would. */
async function configure(
  folder: string,
  certificates: Certificates,
  ports: { readonly port: number; readonly securePort: number },
): Promise<void> {
  for (const name of ['etc/schema', 'lock', 'tmp', 'ldif', 'bak', 'run', 'inst', 'log', 'db', 'home']) {
    await mkdir(join(folder, name), { recursive: true })
  }
  await cp('/etc/dirsrv/config', join(folder, 'etc'), { recursive: true })
  await cp('/etc/dirsrv/schema', join(folder, 'etc/schema'), { recursive: true })
  const values: Readonly<Record<string, string>> = {
    schema_dir: join(folder, 'etc/schema'),
    cert_dir: join(folder, 'etc'),
    config_dir: join(folder, 'etc'),
    db_dir: join(folder, 'db'),
    db_home_dir: join(folder, 'home'),
    ldapi: join(folder, 'run/ldapi'),
    db_lib: 'bdb',
    fqdn: 'localhost',
    ds_port: String(ports.port),
    ds_user: 'dirsrv',
    rootdn: root.dn,
    ds_passwd: hashed(root.password),
    ds_suffix: base,
    ldapi_enabled: 'off',
    ldapi_autobind: 'off',
  }
  const template = await readFile('/usr/share/dirsrv/data/template-dse.ldif', 'utf8')
  const filled = template.replaceAll(
    /%(\w+)%/g,
    (_, name: string) => values[name] ?? join(folder, name.replace('_dir', '')),
  )
  const secure = `cn: config\nnsslapd-security: on\nnsslapd-secureport: ${ports.securePort}\nnsslapd-listenhost: 127.0.0.1\nnsslapd-securelistenhost: 127.0.0.1\n`
  await writeFile(join(folder, 'etc/dse.ldif'), filled.replace('cn: config\n', secure))
  await importCertificates(folder, certificates)
}

function hashed(password: string): string {
  const salt = randomBytes(8)
  const digest = createHash('sha1').update(password).update(salt).digest()
  return `{SSHA}${Buffer.concat([digest, salt]).toString('base64')}`
}

/** The server reads its certificate from an NSS database. */
async function importCertificates(folder: string, { ca, certificate, key }: Certificates): Promise<void> {
  const [database, bundle, noPassword] = [
    `sql:${join(folder, 'etc')}`,
    join(folder, 'server.p12'),
    join(folder, 'none'),
  ]
  await writeFile(noPassword, '\n')
  await run('openssl', [
    'pkcs12',
    '-export',
    '-in',
    certificate,
    '-inkey',
    key,
    '-name',
    'Server-Cert',
    '-out',
    bundle,
    '-passout',
    'pass:',
  ])
  await run('certutil', ['-N', '-d', database, '--empty-password'])
  await run('certutil', ['-A', '-d', database, '-n', 'authority', '-t', 'CT,,', '-i', ca])
  await run('pk12util', ['-i', bundle, '-d', database, '-W', '', '-k', noPassword])
  await appendFile(join(folder, 'etc/pin.txt'), 'Internal (Software) Token:\n')
}

async function populate(url: string): Promise<void> {
  const client = new Client({ url })
  try {
    await client.bind(root.dn, root.password)
    const backend = 'cn=userRoot,cn=ldbm database,cn=plugins,cn=config'
    await client.add(backend, {
      objectClass: ['top', 'extensibleObject', 'nsBackendInstance'],
      cn: 'userRoot',
      'nsslapd-suffix': base,
    })
    await client.add(`cn="${base}",cn=mapping tree,cn=config`, {
      objectClass: ['top', 'extensibleObject', 'nsMappingTree'],
      cn: base,
      'nsslapd-state': 'backend',
      'nsslapd-backend': 'userRoot',
    })
    const rights = `(version 3.0; acl "keyturn"; allow (all) userdn="ldap:///${service.dn}";)`
    await client.add(base, {
      objectClass: ['domain'],
      dc: 'corp',
      aci: `(targetattr="*")${rights}`,
    })
    for (const ou of ['people', 'groups', 'leavers', 'services']) {
      await client.add(`ou=${ou},${base}`, { objectClass: ['organizationalUnit'], ou })
    }
    const { dn, password } = service
    await client.add(dn, {
      objectClass: ['inetOrgPerson'],
      uid: 'keyturn',
      cn: 'Keyturn',
      sn: 'Keyturn',
      userPassword: password,
    })
  } finally {
    await client.unbind()
  }
}
