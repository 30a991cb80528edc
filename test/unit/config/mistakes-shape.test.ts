import { describe, expect, test } from 'vitest'
import { told } from './example.ts'

describe('a file that does not fit its schema is refused with place, what is given and what is allowed:', () => {
  test.each<{ name: string; change: [string, string][]; expected: string[] }>([
    {
      name: 'a wrong version',
      change: [['version: 1', 'version: 2']],
      expected: ['1:10 version: 2 is given, allowed is 1, the version of this format'],
    },
    {
      name: 'no version',
      change: [['version: 1\n', '']],
      expected: ['1:1 version: is missing; needed is 1, the version of this format'],
    },
    {
      name: 'an unknown key',
      change: [['    path: feeds', '    paht: x\n    path: feeds']],
      expected: [
        '8:5 sources.hr.paht: unknown key; allowed here are kind, path, every, key, content, timezone, csv, identity, contract, vanished, settle | Did you mean "path"?',
      ],
    },
    {
      name: 'an unknown key at the top',
      change: [['safety:', 'safty:']],
      expected: [
        '73:1 safty: unknown key; allowed here are version, organisation, state, roles, sources, platforms, safety, daemon, notifications, retired | Did you mean "safety"?',
      ],
    },
    {
      name: 'a missing key',
      change: [['    key: EmpID\n', '']],
      expected: [`6:3 sources.hr.key: is missing; needed is a column's name`],
    },
    {
      name: 'an unknown word',
      change: [['content: full', 'content: fulll']],
      expected: ['11:14 sources.hr.content: "fulll" is given, allowed is full or delta | Did you mean "full"?'],
    },
    {
      name: 'a kind of source that does not exist',
      change: [['kind: csv', 'kind: xlsx']],
      expected: ['7:11 sources.hr.kind: "xlsx" is given, allowed is csv'],
    },
    {
      name: 'a number where text is needed',
      change: [['key: EmpID', 'key: 7']],
      expected: [`10:10 sources.hr.key: 7 is given, allowed is a column's name | Put quotes around it.`],
    },
    {
      name: 'text where a mapping is needed',
      change: [['{ name: Example Corp, timezone: America/New_York }', 'Example Corp']],
      expected: ['2:15 organisation: "Example Corp" is given, allowed is a mapping of name, timezone'],
    },
    {
      name: 'a section whose content was commented out',
      change: [['    tls: { ca: certs/corp-ca.pem, servername: dc1.corp.example }', '    tls:']],
      expected: ['35:5 platforms.corp-ad.tls: is empty; needed is a mapping of ca, servername'],
    },
    {
      name: 'text where a list is needed',
      change: [[`protected: ['CN=Administrator,*', 'svc-*']`, 'protected: svc-*']],
      expected: ['74:14 safety.protected: "svc-*" is given, allowed is a list'],
    },
    {
      name: 'a duration in words',
      change: [['every: 1m', 'every: 1 minute']],
      expected: ['9:12 sources.hr.every: "1 minute" is given, allowed is a duration from 1s to 7d such as 30s'],
    },
    {
      name: 'a share without %',
      change: [['max-change: 10%', 'max-change: 0.1']],
      expected: [
        '27:84 sources.hr.contract.rows.max-change: 0.1 is given, allowed is a share such as 10%, 2.5% or 400%',
      ],
    },
    {
      name: 'a rate without a time',
      change: [['50/s', '50']],
      expected: ['58:37 platforms.corp-ad.limits.rate: 50 is given, allowed is a rate such as 50/s, 600/m or 5000/h'],
    },
    {
      name: 'a zone that does not exist',
      change: [['timezone: America/New_York', 'timezone: America/NewYork']],
      expected: [
        '2:47 organisation.timezone: "America/NewYork" is given, allowed is the IANA name of a time zone such as Europe/Berlin or America/New_York',
      ],
    },
    {
      name: 'an offset instead of a zone',
      change: [['timezone: America/New_York', 'timezone: "+01:00"']],
      expected: [
        '2:47 organisation.timezone: "+01:00" is given, allowed is the IANA name of a time zone such as Europe/Berlin or America/New_York',
      ],
    },
    {
      name: 'the letters of another system in a date',
      change: [['date: M-d-yyyy, at: start', 'date: MM-DD-YYYY, at: start']],
      expected: [
        `21:45 sources.hr.identity.startsAt.date: "MM-DD-YYYY" is given, allowed is a date format of yyyy, MM, M, dd, d, HH, mm, ss, XXX, other letters in '…', so without "DD" | Did you mean "dd"?`,
      ],
    },
    {
      name: 'minutes instead of months',
      change: [['date: M-d-yyyy, at: start', 'date: yyyy-mm-dd, at: start']],
      expected: [
        '21:45 sources.hr.identity.startsAt.date: "yyyy-mm-dd" is given, allowed is a date format with yyyy, MM or M, and dd or d | Months are "MM"; "mm" are minutes.',
      ],
    },
    {
      name: 'a date whose parts run together',
      change: [['date: M-d-yyyy, at: start', 'date: Mdyyyy, at: start']],
      expected: [
        '21:45 sources.hr.identity.startsAt.date: "Mdyyyy" is given, allowed is a date format whose M or d touches no other letter, as in M-d-yyyy',
      ],
    },
    {
      name: 'absence as an end of employment',
      change: [['then: hold }', 'then: left }']],
      expected: [
        '28:34 sources.hr.vanished.then: "left" is given, allowed is hold, keep or suspend: absence alone never ends an employment',
      ],
    },
    {
      name: 'a state that does not exist',
      change: [['Active: active', 'Active: activ']],
      expected: [
        '25:27 sources.hr.identity.state.values.Active: "activ" is given, allowed is active, suspended, left or archived | Did you mean "active"?',
      ],
    },
    {
      name: 'a password',
      change: [['password: env:AD_PASSWORD', 'password: hunter2']],
      expected: [
        '34:75 platforms.corp-ad.bind.password: a text is given, allowed is a reference to a secret: env:NAME or file:PATH, never the secret itself | Set a variable where Keyturn is started and write env:ITS_NAME, or a file (chmod 600) and file:ITS_PATH.',
      ],
    },
    {
      name: 'a password of digits',
      change: [['password: env:AD_PASSWORD', 'password: 123456']],
      expected: [
        '34:75 platforms.corp-ad.bind.password: a number is given, allowed is a reference to a secret: env:NAME or file:PATH, never the secret itself | Set a variable where Keyturn is started and write env:ITS_NAME, or a file (chmod 600) and file:ITS_PATH.',
      ],
    },
    {
      name: 'a number out of range',
      change: [['concurrency: 8', 'concurrency: 0']],
      expected: ['58:28 platforms.corp-ad.limits.concurrency: 0 is given, allowed is a whole number from 1 to 1000'],
    },
    {
      name: 'a yes that is text',
      change: [['privileged: true', 'privileged: yes']],
      expected: [
        '55:90 platforms.corp-ad.entitlements.named.domain-admins.privileged: "yes" is given, allowed is true or false',
      ],
    },
    {
      name: 'a mode that does not exist',
      change: [['mode: full', 'mode: ful']],
      expected: [
        '37:11 platforms.corp-ad.mode: "ful" is given, allowed is full or observe; or a mapping of revoke, create, attributes, entitlements | Did you mean "full"?',
      ],
    },
    {
      name: 'a mode for some kinds of change only',
      change: [['mode: full', 'mode: { revoke: full, create: observ }']],
      expected: [
        '37:5 platforms.corp-ad.mode.attributes: is missing; needed is full or observe',
        '37:5 platforms.corp-ad.mode.entitlements: is missing; needed is full or observe',
        '37:35 platforms.corp-ad.mode.create: "observ" is given, allowed is full or observe | Did you mean "observe"?',
      ],
    },
    {
      name: 'a number where an expression is needed',
      change: [['title: person.title', 'title: 5']],
      expected: [
        '47:16 platforms.corp-ad.accounts.attributes.title: 5 is given, allowed is text with a CEL expression; or a mapping of value, write, empty | Put quotes around it.',
      ],
    },
    {
      name: 'an unknown key in an attribute of accounts',
      change: [['{ value: person.phone, empty: keep }', '{ value: person.phone, emty: keep }']],
      expected: [
        '49:49 platforms.corp-ad.accounts.attributes.telephoneNumber.emty: unknown key; allowed here are value, write, empty | Did you mean "empty"?',
      ],
    },
    {
      name: 'no candidate for a name',
      change: [
        [`['person.givenName + "." + person.surname', 'person.givenName + "." + person.surname + string(n)']`, '[]'],
      ],
      expected: [
        '42:13 platforms.corp-ad.accounts.name: an empty list is given, allowed is a list with at least one expression',
      ],
    },
    {
      name: 'a space in the name of a source',
      change: [['  hr:', '  h r:']],
      expected: [
        '6:3 sources["h r"]: the name "h r" is given, allowed is a name of up to 64 letters, digits, - and _ that begins with a letter',
      ],
    },
    {
      name: 'a space in the name of a role',
      change: [
        ['  employee:', '  "all staff":'],
        ['includes: [employee]', 'includes: []'],
      ],
      expected: [
        'roles/x.yaml:2:3 roles["all staff"]: the name "all staff" is given, allowed is a name of up to 64 letters, digits, - and _ that begins with a letter',
      ],
    },
    {
      name: 'a when without an expression',
      change: [['when: person.department == "IT/IS" && person.title.startsWith("Sr.")', 'when:']],
      expected: [
        'roles/x.yaml:6:5 roles.engineer.when: is empty; needed is a CEL expression that is true or false; leave the key out for everybody',
      ],
    },
    {
      name: 'a column without its key',
      change: [['title: { column: Position, trim: true }', 'title: Position']],
      expected: [
        '16:14 sources.hr.identity.title: "Position" is given, allowed is a mapping of column, expr, trim, reference, unresolved',
      ],
    },
    {
      name: 'a misspelt startsAt',
      change: [['startsAt:', 'startAt:']],
      expected: [
        '21:38 sources.hr.identity.startAt.date: unknown key; allowed here are column, expr, trim, reference, unresolved | Did you mean "startsAt" instead of "startAt"?',
        '21:54 sources.hr.identity.startAt.at: unknown key; allowed here are column, expr, trim, reference, unresolved | Did you mean "startsAt" instead of "startAt"?',
      ],
    },
    {
      name: 'no container',
      change: [[`      container: 'OU=Staff,DC=corp,DC=example'\n`, '']],
      expected: [
        '38:5 platforms.corp-ad.accounts.container: is missing; needed is a distinguished name such as OU=Staff,DC=corp,DC=example; or a mapping of expr',
      ],
    },
    {
      name: 'the private half of an age key',
      change: [['recipients: [file:certs/servicedesk.age]', 'recipients: [AGE-SECRET-KEY-1QQQ]']],
      expected: [
        '57:64 platforms.corp-ad.delivery.recipients[0]: a text is given, allowed is a public key that begins with age1, or file:PATH of a file with such keys',
      ],
    },
    {
      name: 'no recipient',
      change: [['recipients: [file:certs/servicedesk.age]', 'recipients: []']],
      expected: [
        '57:63 platforms.corp-ad.delivery.recipients: an empty list is given, allowed is a list with at least one recipient',
      ],
    },
    {
      name: 'a ledger of another kind',
      change: [['sqlite:var/keyturn.db', 'mysql://k@db/keyturn']],
      expected: [
        '3:18 state.ledger: "mysql://k@db/keyturn" is given, allowed is sqlite:PATH, postgres://USER@HOST/DATABASE without a password, or env:NAME or file:PATH of the whole address',
      ],
    },
    {
      name: 'a ledger whose server is not verified',
      change: [['sqlite:var/keyturn.db', 'postgres://k@db/keyturn?sslmode=require']],
      expected: [
        '3:18 state.ledger: the address cannot be used: its sslmode is neither verify-full nor disable: a server that is not verified may be anybody',
      ],
    },
    {
      name: 'a ledger without a user',
      change: [['sqlite:var/keyturn.db', 'postgres://db/keyturn']],
      expected: [
        '3:18 state.ledger: the address cannot be used: it names no user, needed is postgres://USER@HOST/DATABASE',
      ],
    },
  ])('$name', ({ change, expected }) => {
    expect(told(change)).toEqual(expected)
  })
})
