// Accounts of a whole workforce as LDIF, as Keyturn would have made them: loaded with slapadd, 40,000 a second.
import type { DirectoryPlaces } from '../src/demo/directory.ts'
import { inventPeople } from '../src/demo/people.ts'
import type { Person } from '../src/demo/people.ts'
import { groupOf, groups, workforce } from './world.ts'

/** LDIF of so many accounts and of all groups with their members. */
export function population(people: number, places: DirectoryPlaces): string {
  const members = new Map<string, string[]>(groups.map((name) => [name, [places.placeholder]]))
  const accounts: string[] = []
  for (const person of inventPeople(workforce(people))) {
    const dn = `uid=${person.employee_id.toLowerCase()},${places.people}`
    accounts.push(accountOf(person, dn))
    for (const text of [person.department, person.title, person.site]) members.get(groupOf(text))?.push(dn)
  }
  const filled = [...members].map(([name, some]) =>
    entry([
      ['dn', `cn=${name},${places.groups}`],
      ['objectClass', 'groupOfNames'],
      ['cn', name],
      ...some.map((dn) => ['member', dn] as const),
    ]),
  )
  return [...accounts, ...filled].join('\n')
}

function accountOf(person: Person, dn: string): string {
  const { employee_id: id, given_name: given, surname, title, site } = person
  const displayName = given.trim() === '' ? surname : `${given.trim()} ${surname.trim()}`
  return entry([
    ['dn', dn],
    ['objectClass', 'inetOrgPerson'],
    ['uid', id.toLowerCase()],
    ['employeeNumber', id],
    ['cn', displayName],
    ['displayName', displayName],
    ['sn', surname],
    ...(given.trim() === '' ? [] : [['givenName', given] as const]),
    ['title', title],
    ['l', site],
    ['userPassword', `Password-of-${id}-before`],
  ])
}

function entry(lines: readonly (readonly [string, string])[]): string {
  return `${lines.map(([name, value]) => line(name, value)).join('\n')}\n`
}

/** Values that are more than plain letters go in Base64 (RFC 2849, section 4, note 8). */
function line(name: string, value: string): string {
  const isSafe = /^[!-9;=-~][ -~]*$/.test(value) && !value.endsWith(' ')
  return isSafe ? `${name}: ${value}` : `${name}:: ${Buffer.from(value).toString('base64')}`
}
