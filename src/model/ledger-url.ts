// The address of a ledger on PostgreSQL, as `state.ledger` says it: read by the configuration, which tells what is wrong with it,
// and by the ledger, which connects.

export interface PostgresAddress {
  readonly user: string
  readonly password?: string
  /** A name, an IP address, or the folder of a Unix socket. */
  readonly host: string
  readonly port: number
  readonly database: string
  /** False within one machine, or where the address says so. The server is always verified otherwise. */
  readonly tls: boolean
  /** Absolute paths of PEM files: who may sign the server's certificate, and what this client shows of itself. */
  readonly files: { readonly ca?: string; readonly certificate?: string; readonly key?: string }
}

const postgresWords = 'postgres://USER@HOST/DATABASE'

const usualPort = 5432
/** Stands in the place of a host where there is none: a URL with a user and without a host is none for the parser. */
const noHost = 'no-host.invalid'
const fileParameters = { sslrootcert: 'ca', sslcert: 'certificate', sslkey: 'key' } as const

export function isPostgres(url: string): boolean {
  return /^postgres(?:ql)?:/i.test(url)
}

/** The address, or what is wrong with it: one phrase, in which no part of it is repeated that may be a password. */
export function parsePostgres(text: string): PostgresAddress | string {
  const url = urlOf(text)
  if (url === null) return `it is no address of the form ${postgresWords}`
  const [user, password, database] = [url.username, url.password, url.pathname.slice(1)].map(decode)
  const socket = url.searchParams.get('host')
  const host = socket ?? (url.hostname === noHost ? '' : decode(url.hostname).replace(/^\[|\]$/g, ''))
  if (user === undefined || user === '') return `it names no user, needed is ${postgresWords}`
  if (database === undefined || database === '' || database.includes('/'))
    return `it names no database, needed is ${postgresWords}`
  if (host === '') return `it names no host, needed is ${postgresWords}`
  const wrong = wrongParameter(url.searchParams)
  if (wrong !== null) return wrong
  return {
    user,
    ...(password === undefined || password === '' ? {} : { password }),
    host,
    port: url.port === '' ? usualPort : Number(url.port),
    database,
    tls: (url.searchParams.get('sslmode') ?? (staysHere(host) ? 'disable' : 'verify-full')) === 'verify-full',
    files: Object.fromEntries(
      Object.entries(fileParameters).flatMap(([name, file]) => {
        const path = url.searchParams.get(name)
        return path === null ? [] : [[file, path]]
      }),
    ),
  }
}

/** Where it is, without anything secret: `keyturn at db.example:5432`. */
export function placeOf({ host, port, database }: PostgresAddress): string {
  return host.startsWith('/') ? `${database} at ${host}` : `${database} at ${host}:${port}`
}

/** Does what is sent there stay on this machine? */
function staysHere(host: string): boolean {
  return host.startsWith('/') || /^(?:localhost|::1|127(?:\.\d{1,3}){3})$/i.test(host)
}

function urlOf(text: string): URL | null {
  if (!/^postgres(?:ql)?:\/\//i.test(text)) return null
  const whole = text.replace(/^[a-z]+:\/\/(?:[^/?#]*@(?=[:/?#]|$)|(?=[/?#]|$))/i, `$&${noHost}`)
  return URL.canParse(whole) ? new URL(whole) : null
}

/** What stands there as it is where it is no percent-encoding: a password may hold any character. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function wrongParameter(parameters: URLSearchParams): string | null {
  const known = ['host', 'sslmode', ...Object.keys(fileParameters)]
  const other = [...parameters.keys()].find((name) => !known.includes(name))
  if (other !== undefined) return `it has another parameter than ${known.join(', ')}`
  const mode = parameters.get('sslmode')
  if (mode !== null && mode !== 'verify-full' && mode !== 'disable')
    return 'its sslmode is neither verify-full nor disable: a server that is not verified may be anybody'
  const relative = [...parameters].find(([name, value]) => name !== 'sslmode' && !value.startsWith('/'))
  if (relative !== undefined) return `its ${relative[0]} is no absolute path`
  return null
}
