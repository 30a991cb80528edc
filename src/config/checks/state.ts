import { parsePostgres } from '../../model/ledger-url.ts'
import type { Problem } from '../../model/place.ts'
import type { Cursor } from '../cursor.ts'
import { isLoopback } from '../loopback.ts'
import { mayBeShown } from '../secret-lines.ts'
import type { Parts } from './files.ts'

/** Addresses of the ledger and of Redis: they must be some, and hold no password. */
export function checkState({ main }: Parts): readonly Problem[] {
  if (main === null) return []
  const [ledger, redis] = [main.get('state', 'ledger'), main.get('state', 'redis')]
  return [
    ...(hasPassword(ledger) ? [passwordIn(ledger)] : ledgerProblems(ledger)),
    ...(hasPassword(redis) ? [passwordIn(redis)] : []),
  ]
}

function hasPassword({ path, text }: Cursor): boolean {
  return text !== undefined && !mayBeShown(path, text)
}

function passwordIn(address: Cursor): Problem {
  return address.error('the address holds a password, allowed is a reference to the whole address', {
    hint: 'Put the address into a variable or a file, and write env:NAME or file:PATH.',
  })
}

function ledgerProblems(ledger: Cursor): readonly Problem[] {
  // What is no address at all is told by its shape.
  if (ledger.text === undefined || !/^postgres(?:ql)?:\/\/./.test(ledger.text)) return []
  const address = parsePostgres(ledger.text)
  if (typeof address === 'string') return [ledger.error(`the address cannot be used: ${address}`)]
  if (address.tls || address.host.startsWith('/') || isLoopback(address.host)) return []
  const message = `what the ledger knows travels readable to ${address.host}: its sslmode is disable`
  return [ledger.warning(message, { hint: 'Leave sslmode out; sslrootcert names who signed the certificate.' })]
}
