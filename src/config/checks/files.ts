import type { Cursor } from '../cursor.ts'

/** What the checks between parts look at: values as they stand, right or wrong. */
export interface Parts {
  /** keyturn.yaml; null where it is not intact, and nothing can be compared with it. */
  readonly main: Cursor | null
  /** roles/*.yaml, without those that are not intact. */
  readonly roles: readonly Cursor[]
  /** False when a role file is not intact: then a role that is not found may be in there. */
  readonly allRoles: boolean
}

/** Keys of `identity` that are not attributes. */
const special = new Set(['startsAt', 'endsAt', 'accessEndsAt', 'state', 'zone'])

/** The attributes that a source declares, with references among them. */
export function attributesOf(source: Cursor): readonly (readonly [string, Cursor])[] {
  return source
    .get('identity')
    .entries()
    .filter(([name]) => !special.has(name))
}

export function isReference(attribute: Cursor): boolean {
  return attribute.get('reference').exists
}

/** Names of everything that `person.` offers in rules, over all sources. */
export function personNames(main: Cursor): readonly string[] {
  const sources = main.get('sources').entries()
  return [...new Set(sources.flatMap(([, source]) => attributesOf(source).map(([name]) => name)))]
}

/** All roles over all files, in order. */
export function rolesOf(files: readonly Cursor[]): readonly (readonly [string, Cursor])[] {
  return files.flatMap((file) => file.get('roles').entries())
}
