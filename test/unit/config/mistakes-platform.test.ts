import { describe, expect, test } from 'vitest'
import { told } from './example.ts'

describe('mistakes between the parts of a platform are found:', () => {
  test.each<{ name: string; change: [string, string][]; expected: string[] }>([
    {
      name: 'an attribute in the wrong case',
      change: [['displayName: person.displayName', 'displayName: person.displayname']],
      expected: [
        '46:29 platforms.corp-ad.accounts.attributes.displayName: person has no attribute "displayname"; declared are surname, givenName, displayName, title, department, phone, mail, manager | Did you mean "displayName"?',
      ],
    },
    {
      name: 'an unknown attribute to match by',
      change: [['person: mail', 'person: email']],
      expected: [
        '41:36 platforms.corp-ad.accounts.match[1].person: no attribute is called "email"; allowed are key, surname, givenName, displayName, title, department, phone, mail | Did you mean "mail"?',
      ],
    },
    {
      name: 'nothing to match by',
      change: [['      match: [{ account: employeeNumber, person: key, then: link }]\n', '']],
      expected: [
        '64:5 warning: platforms.wiki.accounts: nothing is given to match existing accounts by: none will be recognised, and a taken name is an error | Write match: [{ account: employeeNumber, person: key, then: link }].',
      ],
    },
    {
      name: 'names without a counter',
      change: [['name: person.givenName + string(n)', 'name: person.givenName']],
      expected: [
        '66:13 warning: platforms.wiki.accounts.name: no candidate uses the counter n: the second of two people with one name gets no account | Add one more candidate that ends in + string(n).',
      ],
    },
    {
      name: 'an address without ldaps://',
      change: [['url: ldaps://dc1.corp.example', 'url: dc1.corp.example']],
      expected: [
        '33:10 platforms.corp-ad.url: "dc1.corp.example" is given, allowed is ldaps://HOST or ldaps://HOST:PORT, or ldap:// to this machine',
      ],
    },
    {
      name: 'an address with a password',
      change: [['url: ldaps://dc1.corp.example', 'url: ldaps://me:hunter2@dc1.corp.example']],
      expected: [
        '33:10 platforms.corp-ad.url: the address holds a password, allowed is an address without | Sign-in is given by bind.',
      ],
    },
    {
      name: 'Active Directory without TLS',
      change: [['url: ldaps://dc1.corp.example', 'url: ldap://127.0.0.1']],
      expected: [
        '33:10 platforms.corp-ad.url: "ldap://127.0.0.1" is given, allowed is ldaps://: Active Directory takes passwords over TLS only',
      ],
    },
    {
      name: 'plain ldap:// to another machine',
      change: [['ldap://127.0.0.1:3890', 'ldap://wiki.example']],
      expected: [
        '61:10 platforms.wiki.url: plain ldap:// to another machine (wiki.example) is given, allowed is ldaps:// | With insecure: true it is allowed; passwords are then readable on the wire.',
      ],
    },
    {
      name: 'plain ldap:// to another machine, allowed',
      change: [['ldap://127.0.0.1:3890', 'ldap://wiki.example\n    insecure: true']],
      expected: [
        '61:10 warning: platforms.wiki.url: passwords for wiki.example travel readable: the address is plain ldap://, and insecure is true',
      ],
    },
    {
      name: 'a bind name that is no DN',
      change: [[`dn: 'cn=keyturn,dc=wiki,dc=example'`, 'dn: keyturn']],
      expected: [
        '62:17 platforms.wiki.bind.dn: "keyturn" is given, allowed is a distinguished name such as cn=keyturn,dc=corp,dc=example',
      ],
    },
    {
      name: 'a base that is no DN',
      change: [['base: dc=wiki,dc=example', 'base: wiki.example']],
      expected: [
        '63:11 platforms.wiki.base: "wiki.example" is given, allowed is a distinguished name such as OU=Staff,DC=corp,DC=example',
      ],
    },
    {
      name: 'an expression as a container',
      change: [[`container: 'OU=Staff,DC=corp,DC=example'`, `container: '"OU=" + person.department'`]],
      expected: [
        '43:18 platforms.corp-ad.accounts.container: "\\"OU=\\" + person.department" is given, allowed is a distinguished name such as OU=Staff,DC=corp,DC=example | For an expression write { expr: … }.',
      ],
    },
    {
      name: 'a container outside of base',
      change: [[`container: 'OU=Staff,DC=corp,DC=example'`, `container: 'OU=Staff,DC=corp,DC=exmple'`]],
      expected: [
        '43:18 platforms.corp-ad.accounts.container: the container lies outside of base (DC=corp,DC=example), where Keyturn would not find its accounts',
      ],
    },
    {
      name: 'leavers who would stay where they are',
      change: [['OU=Leavers', 'OU=Staff']],
      expected: [
        '56:26 warning: platforms.corp-ad.leaver.container: leavers are moved to where they are: the container of accounts',
      ],
    },
    {
      name: 'an attribute that the lifecycle decides',
      change: [['employeeNumber: key\n        displayName', 'userAccountControl: key\n        displayName']],
      expected: [
        '45:9 platforms.corp-ad.accounts.attributes.userAccountControl: userAccountControl cannot be mapped: the lifecycle decides it',
      ],
    },
    {
      name: 'the attribute of the name',
      change: [['employeeNumber: key\n        displayName', 'samaccountname: key\n        displayName']],
      expected: [
        '45:9 platforms.corp-ad.accounts.attributes.samaccountname: samaccountname cannot be mapped: accounts.name gives it',
      ],
    },
    {
      name: 'a person without surname',
      change: [[', sn: person.surname', '']],
      expected: [
        '68:7 warning: platforms.wiki.accounts.attributes: sn is not given, and inetOrgPerson demands sn and cn | Write cn: person.displayName and sn: person.surname, or the like.',
      ],
    },
    {
      name: 'a setting of another kind of platform',
      change: [['    limits: { concurrency: 8, rate: 50/s }', '    schema: { placeholder: "cn=x" }']],
      expected: ['58:15 platforms.corp-ad.schema.placeholder: placeholder has no meaning for kind: active-directory'],
    },
    {
      name: 'no delivery of passwords',
      change: [
        [
          '    delivery: { kind: age-file, folder: handover, recipients: [file:certs/servicedesk.age] }\n    limits',
          '    limits',
        ],
      ],
      expected: [
        '31:3 warning: platforms.corp-ad: no delivery is given: nobody will learn the passwords of new accounts on corp-ad | Write delivery: { kind: age-file, folder: handover, recipients: [file:certs/servicedesk.age] }.',
      ],
    },
  ])('$name', ({ change, expected }) => {
    expect(told(change)).toEqual(expected)
  })
})
