import type { Connection } from '../directory/connection.ts'
import { controlIds, passwordModifyOperation } from '../directory/controls.ts'
import { isWithin } from '../directory/dn.ts'
import type { Entry } from '../directory/entry.ts'
import { LdapResultError } from '../directory/errors.ts'
import { equals } from '../directory/filters.ts'
import { readEntry, searchFew } from '../directory/search.ts'

/** What shuts an account on this server. More than one may hold: each guards against the weakness of another. */
export interface DisableMeans {
  /** 389 Directory Server: refuses every bind with 53, and survives a password reset. */
  readonly nsAccountLock: boolean
  /** pwdAccountLockedTime: needs pwdLockout TRUE, and an administrator's password reset lifts it. */
  readonly lockedTime: boolean
  /** pwdEndTime (OpenLDAP 2.5): does not need pwdLockout, and survives a reset. */
  readonly endTime: boolean
  /** Without a policy: a password hash that matches nothing. */
  readonly hash: boolean
}

export interface PolicyFacts {
  readonly minLength: number
  /** pwdCheckQuality 2: a password that comes hashed is refused. */
  readonly refusesHashes: boolean
  /** pwdLockout of every policy that could be read. */
  readonly lockout: boolean
  /** Where it was found. */
  readonly source: string
}

/** What kind of server this is and what it can do; found out once per connector. */
export interface ServerFacts {
  readonly vendor: 'openldap' | '389ds' | 'other'
  /** For people. */
  readonly name: string
  readonly nativeId: 'entryUUID' | 'nsUniqueId'
  /** Lower-case names of every attribute in the schema. */
  readonly attributes: ReadonlySet<string>
  readonly postRead: boolean
  readonly increment: boolean
  readonly passwordModify: boolean
  /** DN of the database that notes every write (slapo-accesslog), where there is one that is named as usual. */
  readonly accessLog: string | null
  readonly policy: PolicyFacts | null
  readonly means: DisableMeans
}

/** Reads the root DSE, the schema and the password policies. Throws LdapResultError, KeyturnError. */
export async function discover(connection: Connection, base: string): Promise<ServerFacts> {
  const root = await readEntry(connection, '', ['*', '+'])
  const has = (attribute: string, value: string): boolean => root?.texts(attribute).includes(value) ?? false
  const attributes = await schemaAttributes(connection, root?.text('subschemaSubentry'))
  const vendor = vendorOf(root)
  const policy = await (vendor === '389ds'
    ? policyOf389(connection)
    : policyOfOpenLdap(connection, contextOf(root, base)))
  return {
    vendor,
    name: [root?.text('vendorName') ?? vendorNames[vendor], root?.text('vendorVersion')].filter(Boolean).join(' '),
    nativeId: vendor === '389ds' ? 'nsUniqueId' : 'entryUUID',
    attributes,
    postRead: has('supportedControl', controlIds.postRead),
    increment: has('supportedFeatures', '1.3.6.1.1.14') && has('supportedControl', controlIds.preRead),
    passwordModify: vendor !== '389ds' && has('supportedExtension', passwordModifyOperation),
    accessLog: root?.texts('namingContexts').find((context) => /^cn=accesslog$/i.test(context)) ?? null,
    policy,
    means: meansOf(vendor, attributes, policy),
  }
}

const vendorNames = { openldap: 'OpenLDAP', '389ds': '389 Directory Server', other: 'an LDAP server of unknown make' }

function vendorOf(root: Entry | undefined): ServerFacts['vendor'] {
  if (root?.texts('objectClass').includes('OpenLDAProotDSE') === true) return 'openldap'
  return /389|red hat|fedora/i.test(root?.text('vendorName') ?? '') ? '389ds' : 'other'
}

function contextOf(root: Entry | undefined, base: string): string {
  return root?.texts('namingContexts').find((context) => isWithin(base, context)) ?? base
}

async function schemaAttributes(connection: Connection, subschema: string | undefined): Promise<ReadonlySet<string>> {
  const entry = await readEntry(connection, subschema ?? 'cn=schema', ['attributeTypes'])
  return new Set((entry?.texts('attributeTypes') ?? []).flatMap(attributeNames))
}

/** The names in a description such as `( 2.5.4.3 NAME ( 'cn' 'commonName' ) …` (RFC 4512, section 4.1.2), lower-case. */
export function attributeNames(description: string): string[] {
  const names = /\sNAME\s+(?:'([^']+)'|\(([^)]*)\))/.exec(description)
  if (names === null) return []
  return [...(names[1] ?? names[2] ?? '').matchAll(/[\w;.-]+/g)].map(([name]) => name.toLowerCase())
}

async function policyOfOpenLdap(connection: Connection, context: string): Promise<PolicyFacts | null> {
  const attributes = ['pwdLockout', 'pwdMinLength', 'pwdCheckQuality']
  const filter = equals('objectClass', 'pwdPolicy')
  const policies = await unlessRefused(searchFew(connection, { base: context, scope: 'sub', filter, attributes }), [])
  if (policies.length === 0) return null
  return {
    minLength: Math.max(...policies.map((policy) => Number(policy.text('pwdMinLength') ?? 0))),
    refusesHashes: policies.some((policy) => policy.text('pwdCheckQuality') === '2'),
    lockout: policies.every((policy) => policy.text('pwdLockout')?.toUpperCase() === 'TRUE'),
    source: policies.map((policy) => policy.dn).join(', '),
  }
}

async function policyOf389(connection: Connection): Promise<PolicyFacts | null> {
  const read = readEntry(connection, 'cn=config', ['passwordMinLength', 'passwordCheckSyntax'])
  const config = await unlessRefused(read, undefined)
  if (config?.text('passwordCheckSyntax') !== 'on') return null
  const minLength = Number(config.text('passwordMinLength') ?? 0)
  return { minLength, refusesHashes: true, lockout: true, source: 'cn=config' }
}

/** What the account of Keyturn may not read is as if it were not there; `check` tells what that means. */
async function unlessRefused<T>(read: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await read
  } catch (error) {
    if (error instanceof LdapResultError) return otherwise
    throw error
  }
}

function meansOf(
  vendor: ServerFacts['vendor'],
  attributes: ReadonlySet<string>,
  policy: PolicyFacts | null,
): DisableMeans {
  if (vendor === '389ds') return { nsAccountLock: true, lockedTime: false, endTime: false, hash: false }
  const lockedTime = policy?.lockout === true && attributes.has('pwdaccountlockedtime')
  const endTime = policy !== null && attributes.has('pwdendtime')
  return { nsAccountLock: false, lockedTime, endTime, hash: !lockedTime && !endTime }
}
