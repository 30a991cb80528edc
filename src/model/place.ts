/** Where something stands in a file, for messages such as `config/keyturn.yaml:12:5`. Lines and columns count from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column?: number
}

/** `file:line:column`, without the parts that are not known. */
export function showPlace(place: Place): string {
  const line = place.line > 0 ? `:${place.line}` : ''
  return place.column === undefined ? `${place.file}${line}` : `${place.file}${line}:${place.column}`
}

/** Something wrong in what a person wrote (configuration, a feed's row): where, what was given, what is allowed. */
export interface Problem {
  readonly severity: 'error' | 'warning'
  readonly place: Place
  /** Path inside the file, such as `platforms.corp-ad.url` or a column's name. */
  readonly path: string
  /** One sentence: what was given and what is allowed. */
  readonly message: string
  /** What to do next, such as a near miss: `Did you mean "department"?` */
  readonly hint?: string
  /** The offending line as it stands in the file (never one that holds a secret). */
  readonly excerpt?: string
}

/** Why a change or an assignment is there: the source row, the rule's place, or the operator. Every change has one (law 12). */
export interface Reason {
  readonly kind: 'source' | 'rule' | 'operator' | 'setting'
  /** One short clause, such as `role engineer` or `EmploymentStatus "Terminated for Cause"`. */
  readonly text: string
  readonly place?: Place
}
