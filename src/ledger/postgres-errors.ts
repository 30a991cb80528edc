// What PostgreSQL and the network say, in the words of the ledger. No message repeats a password: the address is told without it.
import { DatabaseError } from 'pg'
import { KeyturnError } from '../model/errors.ts'

/** By SQLSTATE, or its class of two characters: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const unavailable: Readonly<Record<string, readonly [what: string, hint: string]>> = {
  '08': ['lost the connection', 'Look into the log of PostgreSQL.'],
  25006: ['cannot be written: it is a standby, or read-only', 'Name the primary server in state.ledger.'],
  '25P03': ['gave up a transaction that did not go on', 'This process was stopped or very busy for a while.'],
  28: ['does not let this user in', 'Check user, password and pg_hba.conf.'],
  '3D000': ['does not exist', 'Make it: docs/operation.md says how.'],
  '3F': ['has no schema to work in', 'Set the search_path of the role to a schema that it may use.'],
  42501: ['may not be used so by this role', 'docs/operation.md says which rights it needs.'],
  '42P01': [
    'lacks a table',
    'If it is being restored, wait for the end; the role must see the tables by its search_path.',
  ],
  53: ['has no room left', 'Free disk or memory there, or raise max_connections.'],
  '57014': ['did not do in time what it was asked', 'Look for what keeps PostgreSQL busy: pg_stat_activity shows it.'],
  57: ['is being stopped, started or restored', 'It is tried again as soon as somebody asks.'],
  58: ['has trouble with its files', 'Look into the log of PostgreSQL.'],
  XX: ['is damaged', 'Look into the log of PostgreSQL; restore a backup where it says so.'],
}

/** As KeyturnError `ledger-busy` or `ledger-unavailable`; a mistake of this program stays what it is. */
export function translate(place: string, error: unknown, isLost: boolean): unknown {
  if (error instanceof KeyturnError) return error
  const said = messageOf(error)
  if (!(error instanceof DatabaseError)) return isLost ? unreachable(place, error, said) : error
  const code = error.code ?? ''
  if (code === '55P03') return busy(`Another process is writing the ledger ${place}.`, error)
  if (code === '40001' || code === '40P01')
    return busy(`Another transaction was in the way on the ledger ${place}.`, error)
  if (code === '23503') {
    return new KeyturnError('not-found', 'A person is named whom the ledger does not know.', {
      cause: error,
      hint: 'Save the people first: every link, grant and change belongs to one.',
    })
  }
  const known = unavailable[code] ?? unavailable[code.slice(0, 2)]
  if (known === undefined) return isLost ? unreachable(place, error, said) : error
  const [what, hint] = known
  return new KeyturnError('ledger-unavailable', `The ledger ${place} ${what} (${said}).`, { cause: error, hint })
}

export function unreachable(place: string, cause: unknown, said: string): KeyturnError {
  return new KeyturnError('ledger-unavailable', `The ledger ${place} cannot be reached (${said}).`, {
    cause,
    hint: 'Check that PostgreSQL runs there and that this machine may connect; state.ledger says where it is looked for.',
  })
}

export function missingPassword(place: string): KeyturnError {
  return new KeyturnError('ledger-unavailable', `PostgreSQL asks for a password for the ledger ${place}.`, {
    hint: 'Put the whole address with the password into a variable or a file, and write env:NAME or file:PATH as state.ledger.',
  })
}

function busy(message: string, cause: unknown): KeyturnError {
  return new KeyturnError('ledger-busy', message, {
    cause,
    hint: 'Try again. If it lasts, look for a session that stays in a transaction: pg_stat_activity shows it.',
  })
}

/** Where a name has several addresses, only the code tells why none of them can be reached. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message === '' && 'code' in error ? String(error.code) : error.message
}
