import { z } from 'zod'
import { daemon } from './daemon.ts'
import { duration, entitlementName, expression, id, list, named, text, zone } from './leaves.ts'
import { notifications } from './notifications.ts'
import { platform } from './platform.ts'
import { safety } from './safety.ts'
import { source } from './source.ts'

const ledgerWords =
  'sqlite:PATH, postgres://USER@HOST/DATABASE without a password, or env:NAME or file:PATH of the whole address'
const redisWords = 'embedded, env:NAME, file:PATH, or an address such as redis://host:6379 without a password'

/** keyturn.yaml */
export const mainSchema = z
  .strictObject({
    version: z.literal(1, { error: '1, the version of this format' }).describe('Version of this format.'),
    organisation: z
      .strictObject({
        name: text("the organisation's name").describe('Name, for reports.'),
        timezone: zone().describe('Time zone in which dates are read where nothing else is said.'),
      })
      .describe('Whose accounts these are.'),
    state: z
      .strictObject({
        ledger: text(ledgerWords)
          .regex(/^(?:sqlite:.+|postgres(?:ql)?:\/\/.+|env:[A-Za-z_]\w*|file:.+)$/, { error: ledgerWords })
          .default('sqlite:var/keyturn.db')
          .describe(
            'The system of record: sqlite:PATH, relative to the folder of keyturn.yaml; or, for several machines, postgres://USER@HOST/DATABASE, env:NAME or file:PATH of such an address.',
          ),
        folder: text('the path of a folder')
          .optional()
          .describe(
            'What this machine keeps beside the ledger. Default: the folder of an SQLite ledger; var where it is on PostgreSQL.',
          ),
        redis: text(redisWords)
          .regex(/^(?:embedded|env:[A-Za-z_]\w*|file:.+|rediss?:\/\/.+)$/, { error: redisWords })
          .default('embedded')
          .describe('embedded: Keyturn runs a Redis of its own. Or env:NAME, file:PATH or redis:// address of one.'),
      })
      .prefault({})
      .describe('Where Keyturn keeps its state.'),
    roles: text('the path of a folder')
      .default('roles')
      .describe('Folder of the role files, relative to keyturn.yaml.'),
    sources: named(id(), source).describe('Where truth about people comes from, by a name of your own.'),
    platforms: named(id(), platform).describe('The connected systems that hold accounts, by a name of your own.'),
    safety,
    daemon,
    notifications,
    retired: z
      .strictObject({
        sources: list(id())
          .default([])
          .describe('Sources without a section, of which people are left: nothing says any more when they leave.'),
        platforms: list(id())
          .default([])
          .describe('Platforms without a section, on which accounts are left: nobody shuts them any more.'),
      })
      .prefault({})
      .describe(
        'What was given up on purpose. Without it a section that somebody still hangs on cannot be taken away.',
      ),
  })
  .describe("Keyturn's configuration. docs/configuration.md explains every key.")

const role = z
  .strictObject({
    when: expression('a CEL expression that is true or false; leave the key out for everybody')
      .optional()
      .describe('CEL expression over person and key: who holds the role. Left out: everybody.'),
    accounts: list(id()).default([]).describe('Platforms on which the role gives an account.'),
    entitlements: named(id(), list(entitlementName()))
      .default({})
      .describe('Entitlements that the role gives, by platform.'),
    includes: list(id())
      .default([])
      .describe('Roles whose accounts and entitlements come with it; their `when` is not asked.'),
    linger: duration().default('0d').describe('How long somebody keeps the role after no longer fulfilling it.'),
  })
  .describe('A named rule: when it applies, and which accounts and entitlements follow.')

/** roles/*.yaml */
export const rolesSchema = z
  .strictObject({ roles: named(id(), role).describe('Roles by name; a name stands in one file only.') })
  .describe('Roles of Keyturn. docs/configuration.md explains every key.')

export type MainFile = z.output<typeof mainSchema>
export type RolesFile = z.output<typeof rolesSchema>
