import type { NewAccount } from '../../model/change.ts'
import { KeyturnError } from '../../model/errors.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import { canonicalDn, sameDn } from '../directory/dn.ts'
import { holdableExpiry, isShadow } from './lock.ts'
import { withMandatory } from './mandatory.ts'
import type { ServerFacts } from './server.ts'

/** Attributes that hold the DN of another entry (RFC 4519, RFC 4524, RFC 2798). */
const dnAttributes = new Set(['manager', 'secretary', 'seealso', 'owner', 'member', 'uniquemember', 'roleoccupant'])
/** Names and addresses by which accounts are found: case does not matter in them. */
const caselessAttributes = new Set(['mail', 'mailalternateaddress', 'uid'])

/**
 * One text for all values that are the same to the server. Text keeps its case, although the server would match any: a
 * corrected capital in somebody's name is a change that people want to see.
 */
export function canonicalValue(settings: DirectorySettings, attribute: string, value: string): string {
  const name = attribute.toLowerCase()
  if (dnAttributes.has(name)) return canonicalDn(value)
  const caseless = caselessAttributes.has(name) || name === settings.schema.nameAttribute.toLowerCase()
  return caseless ? value.normalize('NFC').trim().toLowerCase() : value.normalize('NFC')
}

/** Does the server hold exactly this already? */
export function sameValue(attribute: string, one: string, other: string): boolean {
  return dnAttributes.has(attribute.toLowerCase()) ? sameDn(one, other) : one === other
}

/**
 * A new account as `read` would return it: without empty values, with what the schema demands, and with the end date that the server can hold. What the
 * server can hold is known once it was read; before that an end date is passed on as it is.
 */
export function adaptAccount(settings: DirectorySettings, facts: ServerFacts | null, account: NewAccount): NewAccount {
  const attributes: Record<string, readonly string[]> = {}
  for (const [name, values] of Object.entries(account.attributes)) {
    // A filtered array has room for 16 values that never come: for many accounts that is most of their memory.
    const filled = values.includes('') ? values.filter((value) => value !== '') : values
    if (filled.some((value) => value.includes('\0'))) {
      throw new KeyturnError(
        'value-refused',
        `${settings.id}: ${name} of ${account.name} holds a NUL character, which no directory stores.`,
      )
    }
    if (filled.length > 0) attributes[name] = filled
  }
  const shadow = isShadow(settings.schema.objectClasses)
  const expiresAt = facts === null ? account.expiresAt : holdableExpiry(account.expiresAt, facts, shadow)
  return { ...account, attributes: { ...attributes, ...filledIn(settings, attributes, account.name) }, expiresAt }
}

/** What the schema demands of what the configuration manages: nothing else is read, so nothing else can differ. */
function filledIn(
  settings: DirectorySettings,
  attributes: Readonly<Record<string, readonly string[]>>,
  account: string,
): Readonly<Record<string, readonly string[]>> {
  const whole = withMandatory(attributes, account)
  if (whole === attributes) return {}
  const managed = Object.keys(settings.accounts.attributes)
  return Object.fromEntries(
    managed.flatMap((name) => {
      const value = attributes[name] === undefined ? whole[name.toLowerCase()] : undefined
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
