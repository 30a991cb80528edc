import { count, quoted, visible } from '../report/text.ts'
import { KeyturnError } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { Keyturn } from '../server/context.ts'

/**
 * The one person that a text means: among those just read (by id or key), else in the ledger (also by mail or account name).
 * Throws KeyturnError `not-found` where nobody, or more than one person, fits.
 */
export async function findPerson(keyturn: Keyturn, read: readonly Identity[], text: string): Promise<Identity> {
  const inFeed = read.filter((one) => one.id === text || one.key === text)
  const found = inFeed.length > 0 ? inFeed : await keyturn.ledger.findPeople(text)
  const [person, ...others] = found
  if (person === undefined) {
    throw new KeyturnError('not-found', `nobody is known as ${quoted(text)}`, { hint: await whereToLook(keyturn) })
  }
  if (others.length === 0) return person
  throw new KeyturnError(
    'not-found',
    `${quoted(text)} means ${found.length} people; nothing was done:\n${found.map(line).join('\n')}`,
    { hint: 'Give one of these ids.' },
  )
}

/** Whoever stands in a row that nobody could understand is not known either. */
async function whereToLook({ ledger, settings }: Keyturn): Promise<string> {
  const given =
    'Give the key of the feed (employee number), source:key, account name, or the mail address as the attribute "mail" or "email" of the person has it: one that only an account has is not known here.'
  const reads = await Promise.all(Object.keys(settings.sources).map((source) => ledger.acceptedRead(source)))
  if (reads.every((read) => read === null)) {
    if ((await ledger.restored()) === null) return `${given} Before the first apply nobody is known.`
    return 'The ledger is a new and empty one, and another stood here before: if its file was deleted or moved, restore it from a backup; else "keyturn apply" reads the feeds.'
  }
  const rows = reads.reduce((sum, read) => sum + (read?.setAside?.rows ?? 0), 0)
  if (rows === 0) return given
  return `${given} ${count(rows, 'row')} of the feeds ${rows === 1 ? 'is' : 'are'} set aside, and may be this person's: "keyturn plan" says why.`
}

/** Enough to tell two people apart, whatever the feed calls it. */
function line({ id, state, attributes }: Identity): string {
  const told = ['displayName', 'givenName', 'surname', 'department', 'title', 'mail', 'email'].flatMap(
    (name) => attributes[name] ?? [],
  )
  return `  ${id}  ${state}  ${visible(told.filter((text) => text !== '').join(', '))}`
}
