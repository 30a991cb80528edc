// Can the ledger be used, and is the server that it is on set up so that nothing gets lost? For doctor.
import type { Complaint } from '../model/connector.ts'
import type { Instant } from '../model/instant.ts'
import { placeOf } from '../model/ledger-url.ts'
import { parseUrl } from './open.ts'

/** The oldest that has everything that is used. */
const oldest = 13
/** Claims and dates are reckoned with the clocks of the machines; the server's shows whether this one is right. */
const clocksDiffer = 5_000

/** Nothing for a file: to open it tells everything. Throws KeyturnError `ledger-unavailable`, or `config-invalid`. */
export async function examineLedger(url: string, now: () => Instant): Promise<readonly Complaint[]> {
  const place = parseUrl(url)
  if ('path' in place) return []
  const { Session } = await import('./postgres-session.ts')
  const session = await Session.open(place.address)
  try {
    const { rows } = await session.ask({ text: question })
    const skew = Math.abs((rows[0] as Answer).now - now())
    return complaints(placeOf(place.address), rows[0] as Answer, skew)
  } finally {
    await session.end()
  }
}

interface Answer {
  readonly version: string
  readonly number: number
  readonly standby: boolean
  readonly fsync: string
  readonly waits: string
  readonly encrypted: boolean | null
  readonly now: number
}

const question = `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
  pg_is_in_recovery() as standby, current_setting('fsync') as fsync, current_setting('synchronous_commit') as waits,
  (select ssl from pg_stat_ssl where pid = pg_backend_pid()) as encrypted,
  floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now`

function complaints(place: string, answer: Answer, skew: number): readonly Complaint[] {
  const { version, number, standby, fsync, waits, encrypted } = answer
  const how = encrypted === true ? ', over TLS' : ''
  const found: Complaint[] = [{ severity: 'fact', message: `PostgreSQL ${version} answers: ${place}${how}` }]
  if (number < oldest * 10_000) {
    const hint = `Use PostgreSQL ${oldest} or later.`
    found.push({ severity: 'error', message: `PostgreSQL ${version} is too old`, hint })
  }
  if (standby) {
    const hint = 'Name the primary server in state.ledger.'
    found.push({ severity: 'error', message: 'this server is a standby: nothing can be written', hint })
  }
  if (fsync === 'off' || waits === 'off') {
    const setting = fsync === 'off' ? 'fsync' : 'synchronous_commit'
    const hint = `Set ${setting} = on, for the server or for the role.`
    const message = `${setting} is off: after a power cut, what Keyturn has done and committed may be forgotten`
    found.push({ severity: 'warning', message, hint })
  }
  if (skew > clocksDiffer) {
    const message = `the clocks of this machine and of the server differ by ${Math.round(skew / 1_000)} s`
    found.push({ severity: 'warning', message, hint: 'Let NTP keep all clocks: claims are reckoned with them.' })
  }
  return found
}
