// The usual configuration of scenarios, and the people in their feeds.
import type { Person } from '../../src/demo/people.ts'

/** Mappings as they stand in YAML; merged into the usual configuration key by key. */
export interface Settings {
  readonly [key: string]: Settings | string | number | boolean | null | readonly (Settings | string)[]
}

/** Where things stand in the directory. */
export interface Places {
  readonly base: string
  readonly people: string
  readonly groups: string
  readonly leavers: string
  readonly placeholder: string
  readonly serviceDn: string
}

/** A person of the feed; what is not stated is unremarkable. */
export function person(id: string, values: Partial<Person> = {}): Person {
  return {
    employee_id: id,
    given_name: `Given${id}`,
    surname: `Surname${id}`,
    department: 'Sales',
    title: 'Associate',
    site: 'Lisbon',
    manager_id: '',
    start_date: '2020-03-01',
    end_date: '',
    status: 'Active',
    ...values,
  }
}

/** So many people who work, with ids E1, E2, … */
export function staff(count: number, values: Partial<Person> = {}): Person[] {
  return Array.from({ length: count }, (_, index) => person(`E${index + 1}`, values))
}

/** The same people, of whom these have left. */
export function left(people: readonly Person[], ids: readonly string[], end_date?: string): Person[] {
  const gone = { status: 'Left', ...(end_date === undefined ? {} : { end_date }) } as const
  return people.map((one) => (ids.includes(one.employee_id) ? { ...one, ...gone } : one))
}

export const usualRoles: Settings = {
  employee: { accounts: ['directory'], entitlements: { directory: ['staff'] } },
  sales: { when: 'person.department == "Sales"', entitlements: { directory: ['sales'] } },
  engineer: { when: 'person.department == "Engineering"', entitlements: { directory: ['engineers'] } },
}

export function usualSettings(places: Places, url: string, recipient: string): Settings {
  return {
    version: 1,
    organisation: { name: 'Scenario', timezone: 'UTC' },
    state: { ledger: 'sqlite:var/keyturn.db', redis: 'embedded' },
    sources: {
      hr: {
        kind: 'csv',
        path: 'feed.csv',
        key: 'employee_id',
        content: 'full',
        identity: {
          givenName: { column: 'given_name', trim: true },
          surname: { column: 'surname', trim: true },
          department: { column: 'department', trim: true },
          title: { column: 'title' },
          manager: { column: 'manager_id', reference: 'key', unresolved: 'keep' },
          startsAt: { column: 'start_date', date: 'yyyy-MM-dd' },
          endsAt: { column: 'end_date', date: 'yyyy-MM-dd' },
          state: {
            column: 'status',
            values: { Active: 'active', Leave: 'suspended', Left: 'left' },
            otherwise: 'page',
          },
        },
        contract: { rows: { min: 1, 'max-change': '30%' } },
      },
    },
    platforms: { directory: usualPlatform(places, url, recipient) },
  }
}

function usualPlatform(places: Places, url: string, recipient: string): Settings {
  return {
    kind: 'ldap',
    url,
    bind: { dn: places.serviceDn, password: 'env:DIRECTORY_PASSWORD' },
    base: places.base,
    accounts: {
      match: [{ account: 'employeeNumber', person: 'key', then: 'link' }],
      name: ['person.givenName + "." + person.surname', 'person.givenName + "." + person.surname + string(n)'],
      container: places.people,
      attributes: {
        employeeNumber: 'key',
        cn: 'person.givenName + " " + person.surname',
        sn: 'person.surname',
        givenName: 'person.givenName',
        title: 'person.title',
        manager: 'person.manager',
      },
    },
    entitlements: { under: [places.groups] },
    leaver: { container: places.leavers },
    delivery: { kind: 'age-file', folder: 'handover', recipients: [recipient] },
    retry: { change: { first: '100ms', most: '1s', attempts: 3 } },
    schema: { placeholder: places.placeholder },
  }
}

export function merge(base: Settings, changes: Settings): Settings {
  const merged: Record<string, Settings[string]> = { ...base }
  for (const [key, value] of Object.entries(changes)) {
    const old = merged[key]
    merged[key] = isMapping(old) && isMapping(value) ? merge(old, value) : value
  }
  return merged
}

function isMapping(value: Settings[string] | undefined): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
