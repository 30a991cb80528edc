import { z } from 'zod'
import {
  choice,
  duration,
  durationFrom,
  entitlementName,
  expression,
  flag,
  ldapName,
  list,
  named,
  rate,
  secretReference,
  text,
  whole,
} from './leaves.ts'

const dn = (what = 'a distinguished name such as OU=Staff,DC=corp,DC=example') => text(what)

const mode = z
  .union([
    choice('full', 'observe'),
    z.strictObject({
      revoke: choice('full', 'observe').describe('Disabling accounts and taking entitlements away.'),
      create: choice('full', 'observe').describe('Creating accounts.'),
      attributes: choice('full', 'observe').describe('Attributes, names and containers.'),
      entitlements: choice('full', 'observe').describe('Granting entitlements.'),
    }),
  ])
  .default('full')
  .describe(
    'full: do it. observe: only show in the plan what would be done. One word for all, or one for each kind of change.',
  )

const value = z.union([
  expression(),
  z.strictObject({
    value: expression().describe('CEL expression over person, key and name.'),
    write: choice('always', 'create')
      .default('always')
      .describe('create: written when the account is made, never again.'),
    empty: choice('keep', 'clear', 'reject')
      .default('clear')
      .describe('What an empty value does: keep what the platform has, clear it there, or reject the change.'),
  }),
])

const accounts = z
  .strictObject({
    match: list(
      z.strictObject({
        account: ldapName().describe("The account's attribute."),
        person: text('an attribute of people, or key').describe("The person's attribute, or key."),
        then: choice('link', 'propose').describe(
          'link: it is their account. propose: tell a person, for weak keys such as mail.',
        ),
      }),
    )
      .default([])
      .describe('How an existing account is found before one is made, strongest first.'),
    name: z
      .union([expression(), list(expression()).min(1, { error: 'a list with at least one expression' })])
      .describe('Candidate names in order, as CEL over person, key and n; made lower-case and legal. n counts from 2.'),
    container: z
      .union([dn(), z.strictObject({ expr: expression().describe('CEL expression over person, key and name.') })])
      .describe('Where new accounts are made: a DN, or an expression that gives one.'),
    attributes: named(ldapName(), value)
      .default({})
      .describe('Attributes that Keyturn manages, as CEL over person, key and name.'),
  })
  .describe('How accounts of people look here.')

const entitlements = z
  .strictObject({
    under: list(dn()).default([]).describe('Every group below these containers, by its cn.'),
    named: named(
      entitlementName(),
      z.strictObject({
        id: dn('the distinguished name of a group').describe('DN of the group.'),
        members: choice('additive', 'exact')
          .default('additive')
          .describe("additive: only Keyturn's own grants are ever taken away. exact: nobody else may be a member."),
        privileged: flag().default(false).describe('Its grants wait for a person (see safety.privileged).'),
      }),
    )
      .default({})
      .describe('Single groups, by a name of your own.'),
  })
  .prefault({})
  .describe('The catalogue: the only groups that Keyturn may touch.')

const leaver = z
  .strictObject({
    container: dn().optional().describe('Where shut accounts are moved to. Default: they stay where they are.'),
    strip: choice('all', 'ours', 'none')
      .default('all')
      .describe('Which memberships a leaver loses: all, only those that Keyturn gave, or none.'),
    keep: list(entitlementName()).default([]).describe('Entitlements of the catalogue that a leaver keeps.'),
    'cleanup-after': duration()
      .default('0d')
      .describe('How long after the person left the shut account is stripped and moved.'),
    'delete-after': z
      .union([z.literal('never'), duration()])
      .default('never')
      .describe('How long after the person left (not after the account was shut) the shut account is deleted.'),
    watch: z
      .union([z.literal('never'), durationFrom('1s', '1d', ', or never')])
      .default('15s')
      .describe('How often the accounts of leavers are looked at, so that one that is opened again is shut again.'),
  })
  .prefault({})
  .describe('What happens to the account of somebody who left, besides being disabled at once.')

const delivery = z
  .strictObject({
    kind: choice('age-file').describe(
      'One file for each new account, which only the recipients can open (https://age-encryption.org).',
    ),
    folder: text('the path of a folder').describe('Where the files are put; relative to the folder of keyturn.yaml.'),
    recipients: list(
      z.string({ error: recipientWords() }).regex(/^(?:file:.+|age1[a-z0-9]+)$/, { error: recipientWords() }),
    )
      .min(1, { error: 'a list with at least one recipient' })
      .describe('Public keys (age1…), or files that hold them (file:PATH).'),
    'expires-after': duration()
      .default('7d')
      .describe('Noted in the file: how long the password should be handed over.'),
  })
  .describe('How new people learn their first password. Without it nobody does.')

function recipientWords(): string {
  return 'a public key that begins with age1, or file:PATH of a file with such keys'
}

const password = z
  .strictObject({
    length: whole(8, 128).optional().describe('Default: what the platform demands, and at least 16.'),
    classes: whole(1, 4)
      .optional()
      .describe(
        'How many of lower case, upper case, digits and symbols. Default: what the platform demands, and at least 3.',
      ),
    readable: flag().default(false).describe('Leave out characters that are easily confused, such as l, 1, O and 0.'),
    'must-change': flag().default(true).describe('The first sign-in must set a new one.'),
  })
  .prefault({})
  .describe('First passwords of new accounts.')

/** A wait of nothing would double to nothing. */
const wait = () => durationFrom('10ms', '7d')

const retry = z
  .strictObject({
    revoke: z
      .strictObject({
        first: wait().default('1s').describe('Wait before the second try.'),
        most: wait().default('30s').describe('Longest wait. Revocations are tried until they succeed.'),
      })
      .prefault({})
      .describe('Revocations.'),
    change: z
      .strictObject({
        first: wait().default('5s').describe('Wait before the second try.'),
        most: wait().default('1h').describe('Longest wait.'),
        attempts: whole(1, 1000).default(8).describe('Tries before it is given up and a person is told.'),
      })
      .prefault({})
      .describe('Everything else.'),
  })
  .prefault({})
  .describe('How failed work is tried again; waits double, with a part by chance.')

const objectives = z
  .strictObject({
    revoke: durationFrom('1s', '7d')
      .default('60s')
      .describe('How long a revocation may take, from noticing to the proof. Somebody is told before it is missed.'),
  })
  .prefault({})
  .describe('What is promised to the organisation.')

const schema = z
  .strictObject({
    'object-classes': list(ldapName())
      .min(1, { error: 'a list with at least one object class' })
      .optional()
      .describe('ldap: object classes of new accounts. Default: inetOrgPerson, and posixAccount where posix is given.'),
    'name-attribute': ldapName()
      .optional()
      .describe("Attribute of the account's name. Default: uid, or sAMAccountName."),
    'rdn-attribute': ldapName().optional().describe('Attribute of the first part of the DN. Default: uid, or cn.'),
    posix: z
      .strictObject({
        'uid-numbers': z
          .strictObject({
            from: whole(1, 4_294_967_294).default(10_000).describe('First number.'),
            to: whole(1, 4_294_967_294).default(2_000_000).describe('Last number.'),
            counter: dn().optional().describe('DN of an entry that counts them. Default: the ledger does.'),
          })
          .prefault({})
          .describe('Numbers for uidNumber; one is never given twice.'),
        'gid-number': whole(0, 4_294_967_294).describe('gidNumber of new accounts.'),
        home: text('a path such as /home/{name}')
          .default('/home/{name}')
          .describe('homeDirectory; {name} is the account name.'),
        shell: text('a path such as /bin/bash').default('/bin/bash').describe('loginShell.'),
      })
      .optional()
      .describe('ldap: makes accounts posixAccount too.'),
    placeholder: dn().optional().describe('ldap: the member that keeps an empty groupOfNames legal.'),
    'upn-suffix': text('a domain such as corp.example')
      .optional()
      .describe('active-directory: what follows the @ of userPrincipalName. Default: the domain of base.'),
  })
  .prefault({})
  .describe('How the directory stores accounts.')

export const platform = z
  .strictObject({
    kind: choice('ldap', 'active-directory').describe('ldap is OpenLDAP or 389 Directory Server.'),
    url: text('an address such as ldaps://dc1.corp.example').describe('Address of the server.'),
    insecure: flag()
      .default(false)
      .describe('Allows plain ldap:// to another machine. Passwords are then readable on the wire.'),
    bind: z
      .strictObject({
        dn: text('a distinguished name').describe("Name of Keyturn's own account."),
        password: secretReference().describe('env:NAME or file:PATH, read at the moment of use.'),
      })
      .describe('How Keyturn signs in.'),
    tls: z
      .strictObject({
        ca: text('the path of a PEM file').optional().describe('Certificates to trust besides the usual ones (PEM).'),
        servername: text('a host name')
          .optional()
          .describe('Name expected in the certificate, where the address differs.'),
      })
      .prefault({})
      .describe('Verification is never off.'),
    base: dn().describe('Container below which all accounts are.'),
    mode,
    accounts,
    entitlements,
    leaver,
    delivery: delivery.optional(),
    password,
    limits: z
      .strictObject({
        concurrency: whole(1, 1000)
          .default(8)
          .describe(
            'How many jobs run at the same time: each is for up to 64 people. Revocations have half as many of their own.',
          ),
        rate: rate().optional().describe('Most people whose accounts are worked on in a time. Default: unlimited.'),
      })
      .prefault({})
      .describe('How hard Keyturn may work the server.'),
    timeouts: z
      .strictObject({
        connect: durationFrom('10ms', '1h').default('10s').describe('To connect.'),
        request: durationFrom('10ms', '1h').default('30s').describe('For one request.'),
      })
      .prefault({})
      .describe('How long Keyturn waits.'),
    retry,
    objectives,
    schema,
  })
  .describe('A connected system that holds accounts.')
