import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { getCACertificates } from 'node:tls'

/** Whose certificates count: those of the file, or Node's own list and the operating system's, where an organisation installs its own. */
export async function authorities(file?: string): Promise<string | string[]> {
  if (file !== undefined) return readFile(file, 'utf8')
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
}

/** Is this host the machine itself? Only there may anything be said in the clear. */
export function isThisMachine(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'))
}
