import type { DirectoryPlaces } from './directory.ts'

export interface ConfigurationValues {
  readonly url: string
  readonly suffix: string
  readonly places: DirectoryPlaces
  /** Public age key of the service desk. */
  readonly recipient: string
}

/** keyturn.yaml of the demo: what somebody who looks around should find easy to read. */
export function keyturnYaml(values: ConfigurationValues): string {
  return `version: 1
organisation: { name: Demo Company, timezone: UTC }
state: { ledger: sqlite:var/keyturn.db, redis: embedded }

${sources}
${platforms(values)}
safety:
  limits:
    removals: { max: 10%, above: 20 }
`
}

const sources = `sources:
  hr:
    kind: csv
    path: employees.csv
    key: employee_id
    content: full                  # the file lists everybody
    identity:
      givenName: { column: given_name, trim: true }
      surname: { column: surname, trim: true }
      displayName: { expr: 'person.givenName == "" ? person.surname : person.givenName + " " + person.surname' }
      department: { column: department, trim: true }
      title: { column: title, trim: true }
      site: { column: site, trim: true }
      manager: { column: manager_id, reference: key, unresolved: keep }
      startsAt: { column: start_date, date: yyyy-MM-dd }
      endsAt: { column: end_date, date: yyyy-MM-dd, at: start-of-day }
      state:
        column: status
        values: { Active: active, Leave: suspended, Left: left }
        otherwise: page            # the record is set aside and somebody is told
    contract: { rows: { min: 20, max-change: 10% } }
`

function platforms({ url, suffix, places, recipient }: ConfigurationValues): string {
  return `platforms:
  directory:
    kind: ldap
    url: ${url}
    bind: { dn: '${places.manager}', password: file:directory.password }
    base: ${suffix}
    accounts:
      match:
        - { account: employeeNumber, person: key, then: link }
      name:                        # the first one that is free; n counts from 2
        - 'person.givenName == "" ? person.surname : person.givenName + "." + person.surname'
        - 'person.givenName == "" ? person.surname + string(n) : person.givenName + "." + person.surname + string(n)'
      container: '${places.people}'
      attributes:
        employeeNumber: key
        cn: person.displayName
        sn: person.surname
        givenName: person.givenName
        displayName: person.displayName
        title: person.title
        departmentNumber: person.department
        l: person.site
        mail: name + "@demo.example"
        manager: person.manager
    entitlements:
      under: ['${places.groups}']
    leaver: { container: '${places.leavers}', strip: all }
    delivery: { kind: age-file, folder: handover, recipients: [${recipient}] }
    schema: { placeholder: '${places.placeholder}' }
`
}

/** Everybody is staff, every department has its group, whoever leads is in one more. */
export function rolesYaml(departments: Readonly<Record<string, string>>): string {
  const roles = Object.entries(departments).map(
    ([department, group]) => `  ${group}:
    when: person.department == "${department}"
    entitlements: { directory: [${group}] }`,
  )
  return `roles:
  employee:                        # no \`when\`: everybody
    accounts: [directory]
    entitlements: { directory: [all-staff] }
  leader:
    when: person.title == "Manager" || person.title == "Director"
    entitlements: { directory: [managers] }
${roles.join('\n')}
`
}
