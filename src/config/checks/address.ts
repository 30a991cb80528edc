import type { Problem } from '../../model/place.ts'
import type { Cursor } from '../cursor.ts'
import { isLoopback } from '../loopback.ts'
import { mayBeShown } from '../secret-lines.ts'

/** The address of a directory: is it one, and may passwords travel there? */
export function addressProblems(platform: Cursor): readonly Problem[] {
  const at = platform.get('url')
  if (at.text === undefined || at.text === '') return []
  if (!mayBeShown(at.path, at.text)) {
    return [
      at.error('the address holds a password, allowed is an address without', { hint: 'Sign-in is given by bind.' }),
    ]
  }
  const url = URL.parse(at.text)
  if (url === null || !/^ldaps?:$/.test(url.protocol) || url.hostname === '' || !/^\/?$/.test(url.pathname)) {
    const message = `${JSON.stringify(at.text)} is given, allowed is ldaps://HOST or ldaps://HOST:PORT, or ldap:// to this machine`
    return [at.error(message)]
  }
  return url.protocol === 'ldap:' ? plainProblems(platform, at, url.hostname) : []
}

function plainProblems(platform: Cursor, at: Cursor, host: string): readonly Problem[] {
  if (platform.get('kind').text === 'active-directory') {
    const message = `${JSON.stringify(at.text)} is given, allowed is ldaps://: Active Directory takes passwords over TLS only`
    return [at.error(message)]
  }
  // The connector asks the same when it connects.
  if (isLoopback(host)) return []
  if (platform.get('insecure').value === true) {
    return [at.warning(`passwords for ${host} travel readable: the address is plain ldap://, and insecure is true`)]
  }
  const message = `plain ldap:// to another machine (${host}) is given, allowed is ldaps://`
  return [at.error(message, { hint: 'With insecure: true it is allowed; passwords are then readable on the wire.' })]
}
