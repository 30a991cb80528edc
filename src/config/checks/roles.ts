import { didYouMean } from '../../expression/index.ts'
import { showPlace } from '../../model/place.ts'
import type { Problem } from '../../model/place.ts'
import type { Cursor } from '../cursor.ts'
import { rolesOf } from './files.ts'
import type { Parts } from './files.ts'
import { loopFrom } from './sources.ts'

/** What no single role can tell: names that stand twice, that nobody knows, and loops of includes. */
export function checkRoles(parts: Parts): readonly Problem[] {
  const roles = new Map(rolesOf(parts.roles))
  return [
    ...emptyProblems(parts),
    ...doubleProblems(parts.roles),
    ...[...roles].flatMap(([name, role]) => [
      ...includeProblems(role, [...roles.keys()], parts.allRoles),
      ...giftProblems(name, role),
      ...(parts.main === null ? [] : platformProblems(role, parts.main)),
    ]),
    ...loopProblems(roles),
  ]
}

/** A file without a role is an accident: its roles would be taken from everybody. */
function emptyProblems({ roles }: Parts): readonly Problem[] {
  return roles
    .filter(
      (file) => file.get('roles').value !== null && file.get('roles').exists && file.get('roles').keys().length === 0,
    )
    .map((file) => file.get('roles').error('no role is given, at least one is needed in each file', { at: 'key' }))
}

function doubleProblems(files: readonly Cursor[]): readonly Problem[] {
  const first = new Map<string, Cursor>()
  return rolesOf(files).flatMap(([name, role]) => {
    const before = first.get(name)
    if (before === undefined) {
      first.set(name, role)
      return []
    }
    const message = `the role ${name} is given twice, first at ${showPlace(before.file.place(before.path, 'key'))}`
    return [role.error(message, { at: 'key', hint: 'Rename one of them, or put their content together.' })]
  })
}

function includeProblems(role: Cursor, names: readonly string[], all: boolean): readonly Problem[] {
  if (!all) return []
  return role
    .get('includes')
    .items()
    .filter(({ text }) => text !== undefined && !names.includes(text))
    .map((item) => unknown('role', item, names))
}

function giftProblems(name: string, role: Cursor): readonly Problem[] {
  if (typeof role.value !== 'object' || role.value === null) return []
  const gives = ['accounts', 'entitlements', 'includes'].some((key) => role.get(key).exists)
  return gives
    ? []
    : [role.warning(`the role ${name} gives nothing: no accounts, entitlements or includes`, { at: 'key' })]
}

function platformProblems(role: Cursor, main: Cursor): readonly Problem[] {
  const platforms = main.get('platforms').keys()
  const accounts = role.get('accounts').items()
  return [
    ...accounts
      .filter(({ text }) => text !== undefined && !platforms.includes(text))
      .map((item) => unknown('platform', item, platforms)),
    ...role
      .get('entitlements')
      .entries()
      .flatMap(([platform, given]) =>
        platforms.includes(platform)
          ? entitlementProblems(given, main.get('platforms', platform))
          : [unknown('platform', given, platforms, platform)],
      ),
  ]
}

/** Where a platform has `under`, the names of its groups are known only to the platform. */
function entitlementProblems(given: Cursor, platform: Cursor): readonly Problem[] {
  if (platform.get('entitlements', 'under').items().length > 0) return []
  const names = platform.get('entitlements', 'named').keys()
  return given
    .items()
    .filter(({ text }) => text !== undefined && !names.includes(text))
    .map((item) => unknown('entitlement', item, names))
}

/** Says that a name is not known; for a key of a mapping the name is given and the place is the key's. */
function unknown(kind: string, at: Cursor, known: readonly string[], key?: string): Problem {
  const name = key ?? at.text ?? ''
  const message = `no ${kind} is called ${JSON.stringify(name)}; known are ${known.join(', ') || 'none'}`
  return at.error(message, { ...(key === undefined ? {} : { at: 'key' as const }), ...didYouMean(name, known) })
}

function loopProblems(roles: ReadonlyMap<string, Cursor>): readonly Problem[] {
  const includes = (name: string): readonly string[] =>
    roles
      .get(name)
      ?.get('includes')
      .items()
      .flatMap(({ text }) => text ?? []) ?? []
  const reported = new Set<string>()
  return [...roles].flatMap(([name, role]) => {
    const loop = loopFrom(name, [], includes)
    if (loop === null || loop.some((one) => reported.has(one))) return []
    for (const one of loop) reported.add(one)
    const at = role
      .get('includes')
      .items()
      .find(({ text }) => text === (loop[1] ?? name))
    return at === undefined ? [] : [at.error(`roles include each other in a loop: ${[...loop, name].join(' → ')}`)]
  })
}
