import { didYouMean } from '../../expression/index.ts'
import type { Problem } from '../../model/place.ts'
import type { Cursor } from '../cursor.ts'
import { isWithin, looksLikeDn } from '../dn.ts'
import { attributesOf, isReference, rolesOf } from './files.ts'
import type { Parts } from './files.ts'
import { milliseconds } from '../units.ts'
import { addressProblems } from './address.ts'
import { checkAccountAttributes } from './attributes.ts'

/** What no single key of a platform can tell: addresses, names and containers against each other and the roles. */
export function checkPlatforms(parts: Parts): readonly Problem[] {
  const { main } = parts
  if (main === null) return []
  const platforms = main.get('platforms')
  const none = platforms.exists && platforms.value !== null && platforms.keys().length === 0
  return [
    ...(none ? [platforms.error('no platform is given, at least one is needed')] : []),
    ...platforms
      .entries()
      .flatMap(([id, platform]) => [
        ...(id === 'default' ? [platform.error('a platform cannot be called "default"', { at: 'key' })] : []),
        ...addressProblems(platform),
        ...bindProblems(platform),
        ...dnProblems(platform),
        ...matchProblems(platform, main),
        ...nameProblems(platform),
        ...checkAccountAttributes(platform),
        ...kindProblems(platform),
        ...leaverProblems(platform),
        ...retryProblems(platform),
        ...deliveryProblems(id, platform),
        ...(parts.allRoles ? useProblems(id, platform, parts) : []),
      ]),
  ]
}

/** Active Directory also takes a user principal name, or DOMAIN\name. */
function bindProblems(platform: Cursor): readonly Problem[] {
  const dn = platform.get('bind', 'dn')
  if (dn.text === undefined || looksLikeDn(dn.text)) return []
  const isAd = platform.get('kind').text === 'active-directory'
  if (isAd && /^[^\\@\s]+(?:@|\\)\S+$/.test(dn.text)) return []
  const allowed = isAd
    ? 'a distinguished name, name@domain or DOMAIN\\name'
    : 'a distinguished name such as cn=keyturn,dc=corp,dc=example'
  return [dn.error(`${JSON.stringify(dn.text)} is given, allowed is ${allowed}`)]
}

function dnProblems(platform: Cursor): readonly Problem[] {
  const base = platform.get('base')
  const entitlements = platform.get('entitlements')
  const anywhere = [
    base,
    ...entitlements.get('under').items(),
    ...entitlements
      .get('named')
      .entries()
      .map(([, one]) => one.get('id')),
    platform.get('schema', 'placeholder'),
    platform.get('schema', 'posix', 'uid-numbers', 'counter'),
  ]
  const inside = [platform.get('accounts', 'container'), platform.get('leaver', 'container')]
  return [
    ...[...anywhere, ...inside].flatMap(shapeProblems),
    ...inside.flatMap((container) => insideProblems(container, base)),
  ]
}

function shapeProblems(dn: Cursor): readonly Problem[] {
  if (dn.text === undefined || dn.text === '' || looksLikeDn(dn.text)) return []
  const message = `${JSON.stringify(dn.text)} is given, allowed is a distinguished name such as OU=Staff,DC=corp,DC=example`
  const isContainer = dn.path.includes('accounts')
  return [dn.error(message, isContainer ? { hint: 'For an expression write { expr: … }.' } : {})]
}

/** An account outside of base would never be read again. */
function insideProblems(container: Cursor, base: Cursor): readonly Problem[] {
  if (container.text === undefined || base.text === undefined) return []
  if (!looksLikeDn(container.text) || !looksLikeDn(base.text) || isWithin(container.text, base.text)) return []
  return [
    container.error(`the container lies outside of base (${base.text}), where Keyturn would not find its accounts`),
  ]
}

function matchProblems(platform: Cursor, main: Cursor): readonly Problem[] {
  const match = platform.get('accounts', 'match')
  const attributes = main
    .get('sources')
    .entries()
    .flatMap(([, source]) => attributesOf(source))
  const allowed = ['key', ...new Set(attributes.filter(([, one]) => !isReference(one)).map(([name]) => name))]
  const unknown = match.items().flatMap((item) => {
    const person = item.get('person')
    if (person.text === undefined || allowed.includes(person.text)) return []
    const message = `no attribute is called ${JSON.stringify(person.text)}; allowed are ${allowed.join(', ')}`
    return [person.error(message, didYouMean(person.text, allowed))]
  })
  const accounts = platform.get('accounts')
  if (!accounts.exists || match.items().length > 0 || (match.exists && !Array.isArray(match.value))) return unknown
  const message =
    'nothing is given to match existing accounts by: none will be recognised, and a taken name is an error'
  return [
    accounts.warning(message, {
      at: 'key',
      hint: 'Write match: [{ account: employeeNumber, person: key, then: link }].',
    }),
  ]
}

function nameProblems(platform: Cursor): readonly Problem[] {
  const name = platform.get('accounts', 'name')
  const candidates = name.text === undefined ? name.items() : [name]
  if (candidates.length === 0 || candidates.some(({ text }) => text === undefined || /\bn\b/.test(text))) return []
  const message = 'no candidate uses the counter n: the second of two people with one name gets no account'
  return [name.warning(message, { hint: 'Add one more candidate that ends in + string(n).' })]
}

const onlyLdap = ['object-classes', 'posix', 'placeholder']
const onlyAd = ['upn-suffix']

function kindProblems(platform: Cursor): readonly Problem[] {
  const kind = platform.get('kind').text
  const wrong = kind === 'active-directory' ? onlyLdap : kind === 'ldap' ? onlyAd : []
  const numbers = platform.get('schema', 'posix', 'uid-numbers')
  const [from, to] = [numbers.get('from').value, numbers.get('to').value]
  const order = typeof from === 'number' && typeof to === 'number' && to < from
  return [
    ...wrong
      .map((key) => [key, platform.get('schema', key)] as const)
      .filter(([, at]) => at.exists)
      .map(([key, at]) => at.error(`${key} has no meaning for kind: ${kind}`, { at: 'key' })),
    ...(order ? [numbers.get('to').error(`${to} is given, allowed is ${from} (from) or more`)] : []),
  ]
}

function leaverProblems(platform: Cursor): readonly Problem[] {
  const leaver = platform.get('leaver')
  const container = leaver.get('container')
  const accounts = platform.get('accounts', 'container')
  const same =
    container.text !== undefined &&
    accounts.text !== undefined &&
    container.text.toLowerCase() === accounts.text.toLowerCase()
  const names = platform.get('entitlements', 'named').keys()
  const under = platform.get('entitlements', 'under').items().length > 0
  const kept = leaver
    .get('keep')
    .items()
    .filter(({ text }) => text !== undefined && !under && !names.includes(text))
  return [
    ...(same ? [container.warning('leavers are moved to where they are: the container of accounts')] : []),
    ...kept.map((item) => {
      const message = `no entitlement is called ${JSON.stringify(item.text)}; known are ${names.join(', ') || 'none'}`
      return item.error(message, didYouMean(item.text ?? '', names))
    }),
  ]
}

function retryProblems(platform: Cursor): readonly Problem[] {
  return ['revoke', 'change'].flatMap((lane) => {
    const [first, most] = [platform.get('retry', lane, 'first'), platform.get('retry', lane, 'most')]
    if (first.text === undefined || most.text === undefined) return []
    if (!(milliseconds(most.text) < milliseconds(first.text))) return []
    return [most.error(`${JSON.stringify(most.text)} is given, allowed is first (${first.text}) or more`)]
  })
}

function deliveryProblems(id: string, platform: Cursor): readonly Problem[] {
  const creates = platform.get('mode').text !== 'observe' && platform.get('mode', 'create').text !== 'observe'
  if (platform.get('delivery').exists || !creates || platform.value === null) return []
  const message = `no delivery is given: nobody will learn the passwords of new accounts on ${id}`
  const hint = 'Write delivery: { kind: age-file, folder: handover, recipients: [file:certs/servicedesk.age] }.'
  return [platform.warning(message, { at: 'key', hint })]
}

/** A platform that no role gives an account on would be emptied; entitlements there could not be given. */
function useProblems(id: string, platform: Cursor, { main, roles }: Parts): readonly Problem[] {
  const known = main?.get('platforms').keys() ?? []
  // A platform's name that nobody knows may be this one, misspelt: that is said where it stands.
  const accounts = rolesOf(roles).flatMap(([, role]) => role.get('accounts').items())
  const used = accounts.some(({ text }) => text === id || !known.includes(text ?? ''))
  if (used) return []
  const message = `no role gives an account on ${id}: every account that is linked there would be shut`
  return [platform.warning(message, { at: 'key', hint: `Write accounts: [${id}] in a role.` })]
}
