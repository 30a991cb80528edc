import type { RoleSettings, Settings } from '../../model/settings.ts'
import type { MainFile, RolesFile } from '../schema/files.ts'
import { milliseconds } from '../units.ts'
import type { YamlFile } from '../yaml.ts'
import { absoluteReference, expressionAt } from './context.ts'
import type { BuildContext } from './context.ts'
import { buildDaemon, buildNotifications } from './daemon.ts'
import { buildPlatform } from './platforms.ts'
import { buildSafety } from './safety.ts'
import { buildSource } from './sources.ts'
import { absoluteLedger, stateFolder } from './state.ts'
import { versionOf } from './version.ts'

/** Turns checked files into settings: defaults filled, durations in milliseconds, paths absolute, each with its place. */
export function buildSettings(
  main: { readonly file: YamlFile; readonly value: MainFile },
  roles: readonly { readonly file: YamlFile; readonly value: RolesFile }[],
  folder: string,
): Settings {
  const context: BuildContext = { file: main.file, folder }
  const { organisation, safety } = main.value
  const settings = {
    organisation,
    state: {
      folder: stateFolder(folder, main.value.state),
      ledger: absoluteLedger(context, main.value.state.ledger),
      redis: absoluteReference(context, main.value.state.redis),
      place: main.file.place(['state'], 'key'),
    },
    sources: mapped(main.value.sources, (one, id) => buildSource(id, one, organisation.timezone, context)),
    platforms: mapped(main.value.platforms, (one, id) => buildPlatform(id, one, context)),
    safety: buildSafety(safety, Object.keys(main.value.platforms)),
    roles: Object.assign({}, ...roles.map(({ file, value }) => buildRoles(value, { file, folder }))) as Record<
      string,
      RoleSettings
    >,
    daemon: buildDaemon(main.value.daemon),
    notifications: buildNotifications(main.value.notifications, context),
    retired: main.value.retired,
    files: [],
  }
  return { ...settings, policyVersion: policyVersion(settings) }
}

/**
 * Everything that decides who gets what, and nothing that only decides how, how fast or who is told. How often leavers
 * are looked at is of that second kind.
 */
function policyVersion({ sources, platforms, roles }: Omit<Settings, 'policyVersion'>): string {
  return versionOf({
    sources: mapped(sources, ({ identity, content, vanished }) => ({ identity: identity.version, content, vanished })),
    platforms: mapped(platforms, ({ kind, base, accounts, entitlements, leaver: { watch: _, ...leaver }, schema }) => {
      return { kind, base, accounts, entitlements, leaver, schema }
    }),
    roles,
  })
}

function buildRoles({ roles }: RolesFile, context: BuildContext): Readonly<Record<string, RoleSettings>> {
  const { file } = context
  return mapped(roles, (role, name): RoleSettings => {
    const path = ['roles', name]
    return {
      name,
      when: role.when === undefined ? null : expressionAt(context, role.when, [...path, 'when']),
      accounts: role.accounts.map((platform, index) => ({ platform, place: file.place([...path, 'accounts', index]) })),
      entitlements: mapped(role.entitlements, (names, platform) =>
        names.map((one, index) => ({ name: one, place: file.place([...path, 'entitlements', platform, index]) })),
      ),
      includes: role.includes.map((one, index) => ({ role: one, place: file.place([...path, 'includes', index]) })),
      linger: milliseconds(role.linger),
      place: file.place(path, 'key'),
    }
  })
}

function mapped<A, B>(values: Readonly<Record<string, A>>, make: (value: A, key: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, make(value, key)]))
}
