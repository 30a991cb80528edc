import {
  AndFilter,
  EqualityFilter,
  GreaterThanEqualsFilter,
  NotFilter,
  OrFilter,
  PresenceFilter,
  SubstringFilter,
} from 'ldapts'
import type { Filter } from 'ldapts'

// Filters are objects that write bytes; no filter is ever joined out of strings, so `*()\` in a value is only a value, and a
// binary value stays what it is (in ldapts a filter string turns bytes above 0x7f into UTF-8).

export type { Filter }

export function equals(attribute: string, value: string | Buffer): Filter {
  return new EqualityFilter({ attribute, value })
}

export function present(attribute: string): Filter {
  return new PresenceFilter({ attribute })
}

/** `attribute` is `value` or more. */
export function from(attribute: string, value: string): Filter {
  return new GreaterThanEqualsFilter({ attribute, value })
}

export function startsWith(attribute: string, initial: string): Filter {
  return new SubstringFilter({ attribute, initial })
}

export function both(...filters: readonly Filter[]): Filter {
  return new AndFilter({ filters: [...filters] })
}

export function anyOf(filters: readonly Filter[]): Filter {
  const [only] = filters
  return filters.length === 1 && only !== undefined ? only : new OrFilter({ filters: [...filters] })
}

export function not(filter: Filter): Filter {
  return new NotFilter({ filter })
}
