import type {
  AccountAttributeSettings,
  AccountSettings,
  CatalogueSettings,
  CommonPlatformSettings,
  DeliverySettings,
  DirectorySchema,
  DirectorySettings,
  LeaverSettings,
  PasswordSettings,
  RetrySettings,
  SecretReference,
} from '../../model/settings.ts'
import type { Path } from '../path.ts'
import type { MainFile } from '../schema/files.ts'
import { milliseconds, rate } from '../units.ts'
import { absolute, absoluteReference, expressionAt } from './context.ts'
import type { BuildContext } from './context.ts'

type Platform = MainFile['platforms'][string]

export function buildPlatform(id: string, platform: Platform, context: BuildContext): DirectorySettings {
  const { tls, bind, timeouts, limits } = platform
  const path = ['platforms', id]
  return {
    id,
    kind: platform.kind,
    url: platform.url,
    insecure: platform.insecure,
    bind: { dn: bind.dn, password: absoluteReference(context, bind.password) as SecretReference },
    tls: {
      ...(tls.ca === undefined ? {} : { ca: absolute(context, tls.ca) }),
      ...(tls.servername === undefined ? {} : { servername: tls.servername }),
    },
    base: platform.base,
    mode: buildMode(platform.mode),
    accounts: buildAccounts(platform.accounts, [...path, 'accounts'], context),
    entitlements: buildCatalogue(platform.entitlements, [...path, 'entitlements'], context),
    leaver: buildLeaver(platform.leaver),
    ...(platform.delivery === undefined ? {} : { delivery: buildDelivery(platform.delivery, context) }),
    password: buildPassword(platform.password),
    limits: { concurrency: limits.concurrency, ...(limits.rate === undefined ? {} : { rate: rate(limits.rate) }) },
    timeouts: { connect: milliseconds(timeouts.connect), request: milliseconds(timeouts.request) },
    retry: buildRetry(platform.retry),
    objectives: { revoke: milliseconds(platform.objectives.revoke) },
    schema: buildSchema(platform),
    place: context.file.place(path, 'key'),
  }
}

function buildMode(mode: Platform['mode']): CommonPlatformSettings['mode'] {
  if (typeof mode !== 'string') return mode
  return { revoke: mode, create: mode, attributes: mode, entitlements: mode }
}

function buildAccounts(accounts: Platform['accounts'], path: Path, context: BuildContext): AccountSettings {
  const { name, container } = accounts
  const at = [...path, 'container']
  return {
    match: accounts.match.map((one, index) => ({ ...one, place: context.file.place([...path, 'match', index]) })),
    name:
      typeof name === 'string'
        ? [expressionAt(context, name, [...path, 'name'])]
        : name.map((one, index) => expressionAt(context, one, [...path, 'name', index])),
    container:
      typeof container === 'string'
        ? { text: container, fixed: true, place: context.file.locator(at)(0) }
        : expressionAt(context, container.expr, [...at, 'expr']),
    attributes: Object.fromEntries(
      Object.entries(accounts.attributes).map(([one, value]) => [
        one,
        buildValue(value, [...path, 'attributes', one], context),
      ]),
    ),
  }
}

function buildValue(
  value: Platform['accounts']['attributes'][string],
  path: Path,
  context: BuildContext,
): AccountAttributeSettings {
  if (typeof value === 'string') return { value: expressionAt(context, value, path), write: 'always', empty: 'clear' }
  return { ...value, value: expressionAt(context, value.value, [...path, 'value']) }
}

function buildCatalogue(
  { under, named }: Platform['entitlements'],
  path: Path,
  { file }: BuildContext,
): CatalogueSettings {
  return {
    under: under.map((dn, index) => ({ dn, place: file.place([...path, 'under', index]) })),
    named: Object.fromEntries(
      Object.entries(named).map(([name, one]) => [
        name,
        { ...one, place: file.place([...path, 'named', name], 'key') },
      ]),
    ),
  }
}

function buildLeaver(leaver: Platform['leaver']): LeaverSettings {
  const deleteAfter = leaver['delete-after']
  return {
    ...(leaver.container === undefined ? {} : { container: leaver.container }),
    strip: leaver.strip,
    keep: leaver.keep,
    cleanupAfter: milliseconds(leaver['cleanup-after']),
    deleteAfter: deleteAfter === 'never' ? deleteAfter : milliseconds(deleteAfter),
    ...(leaver.watch === 'never' ? {} : { watch: milliseconds(leaver.watch) }),
  }
}

function buildDelivery(delivery: NonNullable<Platform['delivery']>, context: BuildContext): DeliverySettings {
  return {
    kind: delivery.kind,
    folder: absolute(context, delivery.folder),
    recipients: delivery.recipients.map((one) => absoluteReference(context, one)),
    expiresAfter: milliseconds(delivery['expires-after']),
  }
}

function buildPassword(password: Platform['password']): PasswordSettings {
  const { length, classes, readable } = password
  return {
    ...(length === undefined ? {} : { length }),
    ...(classes === undefined ? {} : { classes }),
    readable,
    mustChange: password['must-change'],
  }
}

function buildRetry({ revoke, change }: Platform['retry']): RetrySettings {
  return {
    revoke: { first: milliseconds(revoke.first), most: milliseconds(revoke.most) },
    change: { first: milliseconds(change.first), most: milliseconds(change.most), attempts: change.attempts },
  }
}

function buildSchema({ kind, schema }: Platform): DirectorySchema {
  const ad = kind === 'active-directory'
  const { posix, placeholder } = schema
  const upnSuffix = schema['upn-suffix']
  const numbers = posix?.['uid-numbers']
  return {
    objectClasses:
      schema['object-classes'] ?? (ad ? [] : ['inetOrgPerson', ...(posix === undefined ? [] : ['posixAccount'])]),
    nameAttribute: schema['name-attribute'] ?? (ad ? 'sAMAccountName' : 'uid'),
    rdnAttribute: schema['rdn-attribute'] ?? (ad ? 'cn' : 'uid'),
    ...(posix === undefined || numbers === undefined
      ? {}
      : {
          posix: {
            uidNumbers: {
              from: numbers.from,
              to: numbers.to,
              ...(numbers.counter === undefined ? {} : { counter: numbers.counter }),
            },
            gidNumber: posix['gid-number'],
            home: posix.home,
            shell: posix.shell,
          },
        }),
    ...(placeholder === undefined ? {} : { placeholder }),
    ...(upnSuffix === undefined ? {} : { upnSuffix }),
  }
}
