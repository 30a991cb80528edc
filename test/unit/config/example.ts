import { interpret } from '../../../src/config/interpret.ts'
import type { Interpretation } from '../../../src/config/interpret.ts'

/** The configuration of the design document, with its ellipses filled in and the attributes that it uses declared. */
export const mainText = `version: 1
organisation: { name: Example Corp, timezone: America/New_York }
state: { ledger: sqlite:var/keyturn.db, redis: embedded }

sources:
  hr:
    kind: csv
    path: feeds/employees.csv
    every: 1m
    key: EmpID
    content: full
    identity:
      surname: { expr: 'row.Employee_Name.split(",")[0]', trim: true }
      givenName: { expr: 'row.Employee_Name.split(",")[1]', trim: true }
      displayName: { expr: 'person.givenName + " " + person.surname' }
      title: { column: Position, trim: true }
      department: { column: Department, trim: true }
      phone: { column: Phone }
      mail: { column: Mail }
      manager: { column: ManagerName, reference: displayName, unresolved: keep }
      startsAt: { column: DateofHire, date: M-d-yyyy, at: start-of-day }
      endsAt: { column: DateofTermination, date: M-d-yyyy, at: end-of-day, none: [""] }
      state:
        column: EmploymentStatus
        values: { Active: active, Leave of Absence: suspended, Voluntarily Terminated: left, Terminated for Cause: left }
        otherwise: page
    contract: { required: [EmpID, EmploymentStatus], rows: { min: 250, max-change: 10% }, max-age: 26h }
    vanished: { after: 3d, then: hold }

platforms:
  corp-ad:
    kind: active-directory
    url: ldaps://dc1.corp.example
    bind: { dn: 'CN=svc-keyturn,OU=Service,DC=corp,DC=example', password: env:AD_PASSWORD }
    tls: { ca: certs/corp-ca.pem, servername: dc1.corp.example }
    base: DC=corp,DC=example
    mode: full
    accounts:
      match:
        - { account: employeeNumber, person: key, then: link }
        - { account: mail, person: mail, then: propose }
      name: ['person.givenName + "." + person.surname', 'person.givenName + "." + person.surname + string(n)']
      container: 'OU=Staff,DC=corp,DC=example'
      attributes:
        employeeNumber: key
        displayName: person.displayName
        title: person.title
        description: { value: '"made by Keyturn"', write: create }
        telephoneNumber: { value: person.phone, empty: keep }
        manager: person.manager
    entitlements:
      under: ['OU=Roles,DC=corp,DC=example']
      named:
        all-staff: { id: 'CN=All Staff,OU=Groups,DC=corp,DC=example', members: exact }
        domain-admins: { id: 'CN=Domain Admins,CN=Users,DC=corp,DC=example', privileged: true }
    leaver: { container: 'OU=Leavers,DC=corp,DC=example', strip: all, keep: [], cleanup-after: 0d, delete-after: never }
    delivery: { kind: age-file, folder: handover, recipients: [file:certs/servicedesk.age] }
    limits: { concurrency: 8, rate: 50/s }
  wiki:
    kind: ldap
    url: ldap://127.0.0.1:3890
    bind: { dn: 'cn=keyturn,dc=wiki,dc=example', password: file:secrets/wiki }
    base: dc=wiki,dc=example
    accounts:
      match: [{ account: employeeNumber, person: key, then: link }]
      name: person.givenName + string(n)
      container: { expr: '"ou=" + person.department + ",dc=wiki,dc=example"' }
      attributes: { cn: person.displayName, sn: person.surname, employeeNumber: key }
    entitlements:
      named: { editors: { id: 'cn=editors,dc=wiki,dc=example' } }
    delivery: { kind: age-file, folder: handover, recipients: [file:certs/servicedesk.age] }

safety:
  protected: ['CN=Administrator,*', 'svc-*']
  limits:
    removals: { max: 10%, above: 20 }
    creations: { max: 20%, above: 50 }
    updates: { max: 50%, above: 100 }
  platforms:
    wiki: { removals: { max: 2.5%, above: 3 } }
  privileged: hold
`

export const rolesText = `roles:
  employee:
    accounts: [corp-ad]
    entitlements: { corp-ad: [all-staff] }
  engineer:
    when: person.department == "IT/IS" && person.title.startsWith("Sr.")
    includes: [employee]
    accounts: [wiki]
    entitlements: { corp-ad: [engineers], wiki: [editors] }
    linger: 14d
`

/** What comes of the example after texts in it are replaced; a text that is not there is a mistake of the test. */
export function interpreted(changes: readonly (readonly [string, string])[] = []): Interpretation {
  let [main, roles] = [mainText, rolesText]
  for (const [from, to] of changes) {
    if (main.includes(from)) main = main.replace(from, () => to)
    else if (roles.includes(from)) roles = roles.replace(from, () => to)
    else throw new Error(`the example does not hold ${from}`)
  }
  return interpret({ name: 'keyturn.yaml', text: main }, [{ name: 'roles/x.yaml', text: roles }], '/etc/keyturn')
}

/** `file:line:column path: message | hint`, one a problem; the file only where it is a role file. */
export function told(changes: readonly (readonly [string, string])[]): readonly string[] {
  return interpreted(changes).problems.map(({ severity, place, path, message, hint }) => {
    const file = place.file === 'keyturn.yaml' ? '' : `${place.file}:`
    const mark = severity === 'error' ? '' : `${severity}: `
    return `${file}${place.line}:${place.column} ${mark}${path}: ${message}${hint === undefined ? '' : ` | ${hint}`}`
  })
}
