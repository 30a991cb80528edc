import type { Change } from '../../model/change.ts'
import type { Outcome } from '../../model/connector.ts'
import { KeyturnError } from '../../model/errors.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import { ReadEntryControl, readEntryOf } from '../directory/controls.ts'
import type { Connection } from '../directory/connection.ts'
import { assertMayOpen } from '../directory/may-open.ts'
import { childDn, isWithin, parseDn } from '../directory/dn.ts'
import { attributes } from '../directory/edits.ts'
import { LdapResultError } from '../directory/errors.ts'
import { readEntry } from '../directory/search.ts'
import { expiryValues, lockedValues, stateAttributes } from './lock.ts'
import { valueOf, withMandatory } from './mandatory.ts'
import { allocateUidNumbers } from './numbers.ts'
import { saltedHash, setPassword, unusable } from './passwords.ts'
import type { ServerFacts } from './server.ts'
import { request } from './session.ts'
import type { Session } from './session.ts'

export type CreateChange = Extract<Change, { kind: 'create' }>
type Values = Record<string, readonly string[]>

/** Makes uid numbers for all accounts of one call at once; then each is an independent `createAccount`. */
export async function reserveNumbers(
  session: Session,
  creates: readonly CreateChange[],
): Promise<Map<CreateChange, number>> {
  const posix = session.settings.schema.posix
  const needed = creates.filter((change) => valueOf(change.desired.attributes, 'uidNumber') === undefined)
  if (posix === undefined || needed.length === 0) return new Map()
  const first = await allocateUidNumbers(session, posix.uidNumbers, needed.length)
  return new Map(needed.map((change, index) => [change, first + index]))
}

/** Adds the entry, with its password and its lock in the same request where the server takes that. */
export async function createAccount(
  session: Session,
  change: CreateChange,
  uidNumber: number | undefined,
): Promise<Outcome> {
  const { settings, facts, context } = session
  const { desired, identity } = change
  const adding: Adding = { facts, ask: () => assertMayOpen(context, identity) }
  const dn = childDn(settings.schema.rdnAttribute, rdnValue(settings, desired), desired.container)
  assertPlace(settings, dn)
  const password = desired.enabled ? context.initialPassword(identity) : context.scramblePassword(identity)
  const entry = newEntry(session, change, uidNumber)
  const what = { doing: `creating ${dn}`, codes: { 32: 'value-refused', 19: 'value-refused' } } as const
  const nativeId = await request(session, what, async (connection) => {
    try {
      const stored = facts.vendor === '389ds' ? password : saltedHash(password)
      const shut = facts.means.hash && !desired.enabled
      return await add(connection, adding, dn, { ...entry, userPassword: [shut ? unusable(stored) : stored] })
    } catch (error) {
      // A policy that looks into passwords refuses one that comes hashed; then the server is asked to set it.
      const refused = error instanceof LdapResultError && error.code === 19 && facts.passwordModify
      if (!refused || facts.policy?.refusesHashes !== true) throw error
      return addAndSet(connection, adding, { dn, entry, password, enabled: desired.enabled })
    }
  })
  return { result: 'done', account: { nativeId, address: dn, name: desired.name } }
}

function rdnValue({ schema }: DirectorySettings, desired: CreateChange['desired']): string {
  if (schema.rdnAttribute.toLowerCase() === schema.nameAttribute.toLowerCase()) return desired.name
  return valueOf(desired.attributes, schema.rdnAttribute) ?? desired.name
}

function assertPlace(settings: DirectorySettings, dn: string): void {
  try {
    parseDn(dn)
  } catch (error) {
    throw new KeyturnError('value-refused', `${settings.id}: ${(error as Error).message}.`, { cause: error })
  }
  if (isWithin(dn, settings.base)) return
  throw new KeyturnError(
    'value-refused',
    `${settings.id}: ${dn} is outside the base ${settings.base}, where Keyturn would never find it again.`,
    {
      hint: 'Correct accounts.container, or widen base.',
    },
  )
}

interface Adding {
  readonly facts: ServerFacts
  /** Stands before each request; throws when the account may not be opened any more. */
  readonly ask: () => void
}

/** Adds and learns the native id: in the same answer where the server can (RFC 4527), else by a read. */
async function add(connection: Connection, { facts, ask }: Adding, dn: string, values: Values): Promise<string> {
  const wanted = [facts.nativeId, ...stateAttributes(facts)]
  const controls = facts.postRead ? [new ReadEntryControl('postRead', wanted)] : []
  ask()
  const response = await connection.add(dn, attributes(values), controls)
  const entry = readEntryOf(response, 'postRead') ?? (await readEntry(connection, dn, wanted))
  const nativeId = entry?.text(facts.nativeId)
  if (entry !== undefined && nativeId !== undefined) return nativeId
  throw new KeyturnError('not-read-back', `${dn} was created but cannot be read back.`, {
    hint: 'The account of Keyturn needs the right to read what it creates.',
  })
}

async function addAndSet(
  connection: Connection,
  adding: Adding,
  account: { dn: string; entry: Values; password: string; enabled: boolean },
): Promise<string> {
  const { dn, entry, password, enabled } = account
  const nativeId = await add(connection, adding, dn, entry)
  // Until then the account has no password at all, so nobody can use it in between.
  if (enabled) await setFirstPassword(connection, adding, dn, password)
  return nativeId
}

async function setFirstPassword(connection: Connection, { facts, ask }: Adding, dn: string, password: string) {
  try {
    ask()
  } catch (error) {
    // Not `claim-lost`, which says that nothing was sent.
    const text = `${dn} was created, but without its password: something newer is owed to this account.`
    throw new KeyturnError('precondition-failed', text, { cause: error })
  }
  await setPassword(connection, facts, dn, password)
}

/** The attributes of a new entry: what the configuration says, and what the schemas demand beyond that. */
function newEntry(session: Session, { desired }: CreateChange, uidNumber: number | undefined): Values {
  const { settings, facts, context } = session
  const { schema } = settings
  const objectClasses = [...schema.objectClasses, ...(schema.posix === undefined ? [] : ['posixAccount'])]
  const posix: Values =
    schema.posix === undefined
      ? {}
      : {
          ...(uidNumber === undefined ? {} : { uidNumber: [String(uidNumber)] }),
          gidNumber: [String(schema.posix.gidNumber)],
          homeDirectory: [schema.posix.home.replaceAll('{name}', desired.name)],
          loginShell: [schema.posix.shell],
        }
  const reset = context.mustChange && desired.enabled && facts.policy !== null && facts.attributes.has('pwdreset')
  return merged(
    { objectClass: [...new Set(objectClasses)], [schema.nameAttribute]: [desired.name] },
    posix,
    expiryValues(desired.expiresAt, facts, objectClasses),
    withMandatory(desired.attributes, desired.name),
    desired.enabled ? {} : lockedValues(facts, objectClasses),
    reset ? { pwdReset: ['TRUE'] } : {},
  )
}

/** Later ones win, whatever the case of the attribute's name; empty values are left out. */
function merged(...parts: readonly Values[]): Values {
  const byName = new Map<string, [string, readonly string[]]>()
  for (const part of parts) {
    for (const [name, values] of Object.entries(part)) {
      const filled = values.filter((value) => value !== '')
      if (filled.length > 0) byName.set(name.toLowerCase(), [name, filled])
    }
  }
  return Object.fromEntries(byName.values())
}
