// What the schema of every domain says of the attributes that people have, so that a value is refused before it is sent.
import { KeyturnError } from '../../model/errors.ts'
import { canonicalDn } from '../directory/dn.ts'

/** Longest value, in UTF-16 units (rangeUpper); an integration test compares it with the schema of a real domain. */
export const longestValues: Readonly<Record<string, number>> = {
  c: 3,
  co: 128,
  company: 64,
  department: 64,
  description: 1024,
  displayName: 256,
  displayNamePrintable: 256,
  division: 256,
  employeeID: 16,
  employeeNumber: 512,
  employeeType: 256,
  facsimileTelephoneNumber: 64,
  generationQualifier: 64,
  givenName: 64,
  homePhone: 64,
  info: 1024,
  initials: 6,
  ipPhone: 64,
  l: 128,
  mail: 256,
  middleName: 64,
  mobile: 64,
  o: 64,
  otherTelephone: 64,
  ou: 64,
  pager: 64,
  personalTitle: 64,
  physicalDeliveryOfficeName: 128,
  postalCode: 40,
  postOfficeBox: 40,
  proxyAddresses: 1123,
  sn: 64,
  st: 128,
  street: 1024,
  streetAddress: 1024,
  telephoneNumber: 64,
  title: 128,
  userPrincipalName: 1024,
  wWWHomePage: 2048,
}

/** Attributes whose values are the DNs of other objects. */
const references = lowered(['manager', 'secretary', 'assistant', 'seeAlso', 'owner', 'managedBy'])

/** Attributes that mean the same in capitals and in small letters. */
const caseless = lowered([
  'mail',
  'userPrincipalName',
  'sAMAccountName',
  'proxyAddresses',
  'otherMailbox',
  'targetAddress',
])

/** What other parts of the configuration decide, or what only Keyturn's own steps may touch. */
const reserved: ReadonlyMap<string, string> = new Map(
  Object.entries({
    samaccountname: 'it is the name of the account, which `accounts.name` decides',
    cn: 'it is made of displayName, and of the name where that is taken',
    name: 'it is made of displayName, and of the name where that is taken',
    distinguishedname: 'it follows from the container and the name',
    useraccountcontrol: 'Keyturn sets it bit by bit',
    accountexpires: 'the dates of the person decide it',
    unicodepwd: 'passwords are made when they are needed and are never in a configuration',
    userpassword: 'passwords are made when they are needed and are never in a configuration',
    pwdlastset: '`password.must-change` decides it',
    primarygroupid: 'memberships are entitlements',
    memberof: 'memberships are entitlements',
    objectclass: 'accounts are of the class user',
    objectguid: 'the domain controller gives it',
    objectsid: 'the domain controller gives it',
  }),
)

const limits = new Map(Object.entries(longestValues).map(([name, most]) => [name.toLowerCase(), most]))

/**
 * Refuses what the domain would refuse.
 * @throws KeyturnError `value-refused`
 */
export function checkAttribute(attribute: string, values: readonly string[]): void {
  const why = reserved.get(attribute.toLowerCase())
  if (why !== undefined) {
    throw new KeyturnError('value-refused', `The attribute ${attribute} cannot be set by accounts.attributes: ${why}.`)
  }
  const most = limits.get(attribute.toLowerCase())
  const tooLong = most === undefined ? undefined : values.find((value) => value.length > most)
  if (most === undefined || tooLong === undefined) return
  throw new KeyturnError(
    'value-refused',
    `The value of ${attribute} has ${tooLong.length} characters, and Active Directory allows ${most}: "${tooLong.slice(0, 40)}…".`,
    { hint: `Shorten it in the expression, such as with .substring(0, ${most}).` },
  )
}

/** The values as the domain will give them back: in one Unicode form, none of them empty, none twice. */
export function tidyValues(values: readonly string[]): string[] {
  return [...new Set(values.map((value) => value.normalize('NFC')).filter((value) => value !== ''))]
}

/** Equal texts are the same value for the domain. */
export function canonicalValue(attribute: string, value: string): string {
  const name = attribute.toLowerCase()
  if (references.has(name)) return canonicalDn(value)
  const text = value.normalize('NFC')
  return caseless.has(name) ? text.toLowerCase() : text
}

function lowered(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => name.toLowerCase()))
}
