import { dirname } from 'node:path'
import type { RoleSettings, SafetyLimit, SafetyLimits, SafetySettings, Settings } from '../../model/settings.ts'
import type { MainFile, RolesFile } from '../schema/files.ts'
import { milliseconds, share } from '../units.ts'
import type { YamlFile } from '../yaml.ts'
import { absolute, absoluteReference, expressionAt } from './context.ts'
import type { BuildContext } from './context.ts'
import { buildPlatform } from './platforms.ts'
import { buildSource } from './sources.ts'
import { versionOf } from './version.ts'

/** Turns checked files into settings: defaults filled, durations in milliseconds, paths absolute, each with its place. */
export function buildSettings(
  main: { readonly file: YamlFile; readonly value: MainFile },
  roles: readonly { readonly file: YamlFile; readonly value: RolesFile }[],
  folder: string,
): Settings {
  const context: BuildContext = { file: main.file, folder }
  const { organisation, safety } = main.value
  const ledger = absolute(context, main.value.state.ledger.slice('sqlite:'.length))
  const settings = {
    organisation,
    state: {
      folder: dirname(ledger),
      ledger: `sqlite:${ledger}`,
      redis: absoluteReference(context, main.value.state.redis),
    },
    sources: mapped(main.value.sources, (one, id) => buildSource(id, one, organisation.timezone, context)),
    platforms: mapped(main.value.platforms, (one, id) => buildPlatform(id, one, context)),
    safety: buildSafety(safety, Object.keys(main.value.platforms)),
    roles: Object.assign({}, ...roles.map(({ file, value }) => buildRoles(value, { file, folder }))) as Record<
      string,
      RoleSettings
    >,
    daemon: {
      listen: { host: '127.0.0.1', port: 9464 },
      fullPass: 3_600_000,
      offboards: { most: 20, within: 3_600_000 },
      tracing: false,
    },
    notifications: { gather: 10_000, mail: null, webhooks: [] },
    files: [],
  }
  return { ...settings, policyVersion: policyVersion(settings) }
}

/** Everything that decides who gets what, and nothing that only decides how or how fast. */
function policyVersion({ sources, platforms, roles }: Omit<Settings, 'policyVersion'>): string {
  return versionOf({
    sources: mapped(sources, ({ identity, content, vanished }) => ({ identity: identity.version, content, vanished })),
    platforms: mapped(platforms, ({ kind, base, accounts, entitlements, leaver, schema }) => {
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

type Stated = { readonly max: string; readonly above: number } | undefined

function buildSafety(safety: MainFile['safety'], platforms: readonly string[]): SafetySettings {
  const standard = buildLimits(safety.limits, { removals: limitOf(safety.limits.removals) })
  const own = platforms.map((id) => [id, buildLimits(safety.platforms[id] ?? {}, standard)] as const)
  return {
    protected: safety.protected,
    limits: { ...Object.fromEntries(own), default: standard },
    privileged: safety.privileged,
  }
}

/** Limits as they are stated, and for what is not stated those of `otherwise`. */
function buildLimits(
  stated: { readonly removals?: Stated; readonly creations?: Stated; readonly updates?: Stated },
  otherwise: SafetyLimits,
): SafetyLimits {
  const { removals, creations, updates } = stated
  return {
    ...otherwise,
    ...(removals === undefined ? {} : { removals: limitOf(removals) }),
    ...(creations === undefined ? {} : { creations: limitOf(creations) }),
    ...(updates === undefined ? {} : { updates: limitOf(updates) }),
  }
}

function limitOf({ max, above }: NonNullable<Stated>): SafetyLimit {
  return { max: share(max), above }
}

function mapped<A, B>(values: Readonly<Record<string, A>>, make: (value: A, key: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, make(value, key)]))
}
