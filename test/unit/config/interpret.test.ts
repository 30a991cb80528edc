import { describe, expect, test } from 'vitest'
import { interpret } from '../../../src/config/interpret.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../../../src/model/instant.ts'
import type { Settings } from '../../../src/model/settings.ts'
import { interpreted, mainText, rolesText, told } from './example.ts'

function settingsOf(changes: readonly (readonly [string, string])[] = []): Settings {
  const { settings, problems } = interpreted(changes)
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([])
  if (settings === null) throw new Error('no settings')
  return settings
}

const at = (line: number, column: number, file = 'keyturn.yaml') => ({ file, line, column })

describe('the example becomes settings', () => {
  const { sources, platforms, safety, roles, state } = settingsOf()
  const hr = sources['hr']
  const ad = platforms['corp-ad']
  const wiki = platforms['wiki']

  test('without any problem', () => {
    expect(told([])).toEqual([])
  })

  test('with paths that count from the folder of keyturn.yaml', () => {
    expect(state).toEqual({
      folder: '/etc/keyturn/var',
      ledger: 'sqlite:/etc/keyturn/var/keyturn.db',
      redis: 'embedded',
      place: at(3, 1),
    })
    expect(hr?.path).toBe('/etc/keyturn/feeds/employees.csv')
    expect(ad?.tls).toEqual({ ca: '/etc/keyturn/certs/corp-ca.pem', servername: 'dc1.corp.example' })
    expect(ad?.delivery).toEqual({
      kind: 'age-file',
      folder: '/etc/keyturn/handover',
      recipients: ['file:/etc/keyturn/certs/servicedesk.age'],
      expiresAfter: 7 * DAY,
    })
    expect(wiki?.bind.password).toBe('file:/etc/keyturn/secrets/wiki')
    expect(ad?.bind.password).toBe('env:AD_PASSWORD')
  })

  test.each([
    ['postgres://k@db/keyturn', 'postgres://k@db/keyturn', 'var'],
    ['env:LEDGER', 'env:LEDGER', 'var'],
    ['file:secrets/ledger', 'file:/etc/keyturn/secrets/ledger', 'var'],
    ['postgres://k@db/keyturn, folder: state', 'postgres://k@db/keyturn', 'state'],
    ['sqlite:x/keyturn.db, folder: state', 'sqlite:/etc/keyturn/x/keyturn.db', 'state'],
  ])('with the ledger at %s', (said, ledger, folder) => {
    const { state } = settingsOf([['sqlite:var/keyturn.db', said]])
    expect(state).toMatchObject({ ledger, folder: `/etc/keyturn/${folder}` })
  })

  test('with a source', () => {
    expect(hr).toMatchObject({ id: 'hr', key: 'EmpID', content: 'full', every: MINUTE, timezone: 'America/New_York' })
    expect(hr?.contract).toEqual({
      required: ['EmpID', 'EmploymentStatus'],
      rows: { min: 250, maxChange: 0.1 },
      maxAge: 26 * HOUR,
    })
    expect(hr?.vanished).toEqual({ after: 3 * DAY, then: 'hold' })
    expect(hr?.csv).toEqual({ finalNewline: 'required' })
    expect(hr?.place).toEqual(at(6, 3))
  })

  test('with identity attributes, references and dates', () => {
    expect(hr?.identity.attributes['surname']).toEqual({
      from: { expr: { text: 'row.Employee_Name.split(",")[0]', place: at(13, 25) } },
      trim: true,
      place: at(13, 7),
    })
    expect(hr?.identity.attributes['manager']).toBeUndefined()
    expect(hr?.identity.references).toEqual({
      manager: {
        from: { column: 'ManagerName' },
        trim: false,
        reference: 'displayName',
        unresolved: 'keep',
        place: at(20, 7),
      },
    })
    expect(hr?.identity.endsAt).toEqual({
      column: 'DateofTermination',
      format: 'M-d-yyyy',
      at: 'end-of-day',
      none: [''],
      place: at(22, 7),
    })
    expect(hr?.identity.state).toEqual({
      column: 'EmploymentStatus',
      values: {
        Active: 'active',
        'Leave of Absence': 'suspended',
        'Voluntarily Terminated': 'left',
        'Terminated for Cause': 'left',
      },
      otherwise: 'page',
      place: at(23, 7),
    })
  })

  test('with accounts', () => {
    expect(ad?.accounts.match[1]).toEqual({ account: 'mail', person: 'mail', then: 'propose', place: at(41, 11) })
    expect(ad?.accounts.name.map(({ text }) => text)).toEqual([
      'person.givenName + "." + person.surname',
      'person.givenName + "." + person.surname + string(n)',
    ])
    expect(ad?.accounts.container).toEqual({ text: 'OU=Staff,DC=corp,DC=example', fixed: true, place: at(43, 19) })
    expect(wiki?.accounts.container).toEqual({
      text: '"ou=" + person.department + ",dc=wiki,dc=example"',
      place: at(67, 27),
    })
    expect(ad?.accounts.attributes).toMatchObject({
      title: { value: { text: 'person.title' }, write: 'always', empty: 'clear' },
      description: { value: { text: '"made by Keyturn"' }, write: 'create', empty: 'clear' },
      telephoneNumber: { value: { text: 'person.phone' }, write: 'always', empty: 'keep' },
    })
  })

  test('with a catalogue and the way of leavers', () => {
    expect(ad?.entitlements).toEqual({
      under: [{ dn: 'OU=Roles,DC=corp,DC=example', place: at(52, 15) }],
      named: {
        'all-staff': {
          id: 'CN=All Staff,OU=Groups,DC=corp,DC=example',
          members: 'exact',
          privileged: false,
          place: at(54, 9),
        },
        'domain-admins': {
          id: 'CN=Domain Admins,CN=Users,DC=corp,DC=example',
          members: 'additive',
          privileged: true,
          place: at(55, 9),
        },
      },
    })
    expect(ad?.leaver).toEqual({
      container: 'OU=Leavers,DC=corp,DC=example',
      strip: 'all',
      keep: [],
      cleanupAfter: 0,
      deleteAfter: 'never',
      watch: 15 * SECOND,
    })
  })

  test('with what each kind of platform has by default', () => {
    expect(ad?.schema).toEqual({ objectClasses: [], nameAttribute: 'sAMAccountName', rdnAttribute: 'cn' })
    expect(wiki?.schema).toEqual({ objectClasses: ['inetOrgPerson'], nameAttribute: 'uid', rdnAttribute: 'uid' })
    expect(ad?.limits).toEqual({ concurrency: 8, rate: 50 })
    expect(wiki).toMatchObject({
      limits: { concurrency: 8 },
      insecure: false,
      tls: {},
      timeouts: { connect: 10 * SECOND, request: 30 * SECOND },
      retry: {
        revoke: { first: SECOND, most: 30 * SECOND },
        change: { first: 5 * SECOND, most: HOUR, attempts: 8 },
      },
      password: { readable: false, mustChange: true },
      mode: { revoke: 'full', create: 'full', attributes: 'full', entitlements: 'full' },
      leaver: { strip: 'all', keep: [], cleanupAfter: 0, deleteAfter: 'never' },
    })
  })

  test('with limits for every platform', () => {
    const limits = {
      removals: { max: 0.1, above: 20, within: HOUR },
      creations: { max: 0.2, above: 50 },
      updates: { max: 0.5, above: 100 },
    }
    expect(safety).toEqual({
      protected: ['CN=Administrator,*', 'svc-*'],
      limits: {
        default: limits,
        'corp-ad': limits,
        wiki: { ...limits, removals: { max: 0.025, above: 3, within: HOUR } },
      },
      privileged: 'hold',
    })
  })

  test('with roles', () => {
    const file = 'roles/x.yaml'
    expect(roles['employee']).toMatchObject({ when: null, linger: 0, place: at(2, 3, file) })
    expect(roles['engineer']).toEqual({
      name: 'engineer',
      when: { text: 'person.department == "IT/IS" && person.title.startsWith("Sr.")', place: at(6, 11, file) },
      accounts: [{ platform: 'wiki', place: at(8, 16, file) }],
      entitlements: {
        'corp-ad': [{ name: 'engineers', place: at(9, 31, file) }],
        wiki: [{ name: 'editors', place: at(9, 50, file) }],
      },
      includes: [{ role: 'employee', place: at(7, 16, file) }],
      linger: 14 * DAY,
      place: at(5, 3, file),
    })
  })
})

describe('what is not in the example', () => {
  test('a mode for each kind of change', () => {
    const mode = 'mode: { revoke: full, create: observe, attributes: observe, entitlements: full }'
    expect(settingsOf([['mode: full', mode]]).platforms['corp-ad']?.mode).toEqual({
      revoke: 'full',
      create: 'observe',
      attributes: 'observe',
      entitlements: 'full',
    })
  })

  test('posix accounts', () => {
    const schema = '    schema: { posix: { gid-number: 100, uid-numbers: { from: 5000 } } }\n    delivery: { kind'
    const { platforms } = settingsOf([
      ['[{ account: employeeNumber, person: key, then: link }]', '[]'],
      [
        "named: { editors: { id: 'cn=editors,dc=wiki,dc=example' } }\n    delivery: { kind",
        `named: { editors: { id: 'cn=editors,dc=wiki,dc=example' } }\n${schema}`,
      ],
    ])
    expect(platforms['wiki']?.schema).toMatchObject({
      objectClasses: ['inetOrgPerson', 'posixAccount'],
      posix: { uidNumbers: { from: 5000, to: 2_000_000 }, gidNumber: 100, home: '/home/{name}', shell: '/bin/bash' },
    })
  })

  test('zones of records, csv settings and a format with a time', () => {
    const { sources } = settingsOf([
      [
        '      startsAt: { column: DateofHire, date: M-d-yyyy, at: start-of-day }',
        '      zone: { column: Site, values: { Boston: America/New_York, Ulm: Europe/Berlin } }\n      startsAt: { column: DateofHire, date: "yyyy-MM-dd\'T\'HH:mm:ssXXX" }',
      ],
      ['    content: full', "    content: full\n    timezone: UTC\n    csv: { delimiter: ';', encoding: latin1 }"],
    ])
    expect(sources['hr']).toMatchObject({
      timezone: 'UTC',
      csv: { delimiter: ';', encoding: 'latin1', finalNewline: 'required' },
      identity: {
        zone: { column: 'Site', values: { Boston: 'America/New_York', Ulm: 'Europe/Berlin' } },
        startsAt: { at: 'exact' },
      },
    })
  })

  test('a contract that is left out asks for the key and the status', () => {
    const contract =
      '    contract: { required: [EmpID, EmploymentStatus], rows: { min: 250, max-change: 10% }, max-age: 26h }\n'
    expect(settingsOf([[contract, '']]).sources['hr']?.contract).toEqual({
      required: ['EmpID', 'EmploymentStatus'],
      rows: { min: 1, maxChange: 0.1 },
    })
  })

  test('anchors, aliases and merged mappings', () => {
    const { platforms } = settingsOf([
      [
        '    delivery: { kind: age-file, folder: handover, recipients: [file:certs/servicedesk.age] }',
        '    delivery: &to { kind: age-file, folder: handover, recipients: [file:certs/servicedesk.age] }',
      ],
      [
        '    delivery: { kind: age-file, folder: handover, recipients: [file:certs/servicedesk.age] }',
        '    delivery: { <<: *to, folder: wiki }',
      ],
    ])
    expect(platforms['wiki']?.delivery?.folder).toBe('/etc/keyturn/wiki')
    expect(platforms['wiki']?.delivery?.recipients).toEqual(platforms['corp-ad']?.delivery?.recipients)
  })

  test('a byte-order mark and line ends of Windows', () => {
    const text = `\uFEFF${mainText.replaceAll('\n', '\r\n')}`
    const { settings, problems } = interpret({ name: 'k', text }, [{ name: 'r', text: rolesText }], '/')
    expect(problems).toEqual([])
    expect(settings?.sources['hr']?.place).toEqual(at(6, 3, 'k'))
  })
})

describe('the version of the policy', () => {
  const { policyVersion } = settingsOf()

  test.each([
    ['a role', 'linger: 14d', 'linger: 15d'],
    ['an attribute of accounts', 'title: person.title', 'title: person.department'],
    ['the identity mapping', '{ column: Position, trim: true }', '{ column: Position }'],
    ['the zone of dates', 'America/New_York', 'Europe/Berlin'],
    ['the catalogue', 'members: exact', 'members: additive'],
    [
      'an attribute that is called place',
      'phone: { column: Phone }',
      'phone: { column: Phone }\n      place: { column: A }',
    ],
    ['the way of leavers', 'strip: all', 'strip: ours'],
  ])('changes with %s', (_, from, to) => {
    expect(settingsOf([[from, to]]).policyVersion).not.toBe(policyVersion)
  })

  test.each([
    ['a comment', 'version: 1', '# hello\nversion: 1'],
    ['how hard Keyturn works', 'concurrency: 8', 'concurrency: 9'],
    ['an address', 'ldap://127.0.0.1:3890', 'ldaps://wiki.example'],
    ['a secret’s name', 'env:AD_PASSWORD', 'env:OTHER'],
    ['a limit', 'above: 20', 'above: 21'],
    ['how often leavers are looked at', 'delete-after: never', 'delete-after: never, watch: 1m'],
    ['what is promised', 'rate: 50/s }', 'rate: 50/s }\n    objectives: { revoke: 5m }'],
    ['how the daemon works', 'version: 1', 'version: 1\ndaemon: { full-pass: 2h }'],
    ['who is told', 'version: 1', 'version: 1\nnotifications: { gather: 1m }'],
    ['where the feed lies', 'feeds/employees.csv', 'hr/export.csv'],
  ])('does not change with %s', (_, from, to) => {
    expect(settingsOf([[from, to]]).policyVersion).toBe(policyVersion)
  })
})

describe('every problem is told in one run', () => {
  test('of all files, in the order of the lines', () => {
    const problems = told([
      ['every: 1m', 'every: soon'],
      ['url: ldaps://dc1.corp.example', 'url: dc1'],
      ['title: person.title', 'title: person.titel'],
      ['accounts: [corp-ad]', 'acounts: [corp-ad]'],
      ['person.department == "IT/IS"', 'person.dept == "IT/IS"'],
      ['wiki: [editors]', 'wiki: [authors]'],
    ])
    expect(problems.map((one) => one.split(' ')[0])).toEqual([
      '9:12',
      '31:3',
      '33:10',
      '47:23',
      'roles/x.yaml:3:5',
      'roles/x.yaml:6:18',
      'roles/x.yaml:9:50',
    ])
  })

  test('a role that stands in two files, with the place of the first', () => {
    const roles = [
      { name: 'a.yaml', text: rolesText },
      { name: 'b.yaml', text: 'roles:\n  employee: { accounts: [corp-ad] }\n' },
    ]
    const { settings, problems } = interpret({ name: 'keyturn.yaml', text: mainText }, roles, '/')
    expect(settings).toBeNull()
    expect(problems).toEqual([
      {
        severity: 'error',
        place: at(2, 3, 'b.yaml'),
        path: 'roles.employee',
        message: 'the role employee is given twice, first at a.yaml:2:3',
        hint: 'Rename one of them, or put their content together.',
        excerpt: '  employee: { accounts: [corp-ad] }',
      },
    ])
  })

  test('a broken role file hides no mistake of the others and makes none', () => {
    const roles = [
      { name: 'a.yaml', text: 'roles: {' },
      { name: 'b.yaml', text: 'roles:\n  x: { includes: [employee], accounts: [corp], when: person.foo }\n' },
    ]
    const { problems } = interpret({ name: 'keyturn.yaml', text: mainText }, roles, '/')
    expect(problems.map(({ place, path }) => `${place.file} ${path}`)).toEqual([
      'a.yaml ',
      'b.yaml roles.x.accounts[0]',
      'b.yaml roles.x.when',
    ])
  })

  test.each(['', '# nothing but a comment\n', 'roles:\n', 'roles: {}\n', '[]', 'hello'])(
    'a role file that holds no role is an error: %j',
    (text) => {
      const files = [
        { name: 'a.yaml', text: rolesText },
        { name: 'b.yaml', text },
      ]
      const { settings, problems } = interpret({ name: 'keyturn.yaml', text: mainText }, files, '/')
      expect(settings).toBeNull()
      expect(problems.map(({ place }) => place.file)).toEqual(['b.yaml'])
    },
  )

  test.each(['', 'hello', '[]', '3'])('a keyturn.yaml of %j is an error', (text) => {
    const { settings, problems } = interpret({ name: 'k', text }, [{ name: 'r', text: rolesText }], '/')
    expect(settings).toBeNull()
    expect(problems[0]?.severity).toBe('error')
  })
})
