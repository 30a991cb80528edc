import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { checkServerIdentity, getCACertificates } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import { KeyturnError } from '../../model/errors.ts'
import type { DirectorySettings } from '../../model/settings.ts'

/** Where a directory is, as its url says. */
export interface Endpoint {
  readonly host: string
  readonly port: number
  readonly secure: boolean
  /** `host:port`, for messages. */
  readonly where: string
}

/**
 * Reads the url. Plain ldap:// to another machine needs `insecure: true`.
 * @throws KeyturnError `config-invalid` or `insecure`
 */
export function endpointOf(settings: Pick<DirectorySettings, 'id' | 'url' | 'insecure'>): Endpoint {
  const url = URL.parse(settings.url)
  if (url === null || !/^ldaps?:$/.test(url.protocol)) {
    throw new KeyturnError('config-invalid', `${settings.id}: "${settings.url}" is no ldap:// or ldaps:// address.`)
  }
  const secure = url.protocol === 'ldaps:'
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1') || 'localhost'
  const port = url.port === '' ? (secure ? 636 : 389) : Number(url.port)
  if (!secure && !settings.insecure && !isLoopback(host)) {
    throw new KeyturnError(
      'insecure',
      `${settings.id}: ${settings.url} would send passwords over the network in the clear.`,
      {
        hint: 'Use an ldaps:// url. Where the network itself is protected, `insecure: true` allows it.',
      },
    )
  }
  return { host, port, secure, where: `${host}:${port}` }
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** Options for a verified TLS connection: there is no way to switch verification off. */
export async function tlsOptions(endpoint: Endpoint, settings: DirectorySettings): Promise<ConnectionOptions> {
  const name = settings.tls.servername ?? endpoint.host
  return {
    host: endpoint.host,
    port: endpoint.port,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ca: settings.tls.ca === undefined ? systemAuthorities() : await readAuthority(settings.id, settings.tls.ca),
    // A name goes into the handshake, an address must not (RFC 6066, section 3); the certificate is checked for either.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
  }
}

/** Node's own list and the operating system's, where an organisation installs its authority. */
function systemAuthorities(): string[] {
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
}

async function readAuthority(platform: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new KeyturnError('config-invalid', `${platform}: the certificate authority file ${path} cannot be read.`, {
      cause: error,
      hint: 'Check `tls.ca` of this platform and the rights of the file.',
    })
  }
}
