import type { SafetyLimit, SafetyLimits, SafetySettings } from '../../model/settings.ts'
import type { MainFile } from '../schema/files.ts'
import { milliseconds, share } from '../units.ts'

type Stated = { readonly max: string; readonly above: number; readonly within?: string | undefined } | undefined

export function buildSafety(safety: MainFile['safety'], platforms: readonly string[]): SafetySettings {
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
    ...(removals === undefined ? {} : { removals: limitOf(removals, otherwise.removals.within) }),
    ...(creations === undefined ? {} : { creations: limitOf(creations) }),
    ...(updates === undefined ? {} : { updates: limitOf(updates) }),
  }
}

function limitOf({ max, above, within }: NonNullable<Stated>, otherwise?: number): SafetyLimit {
  const time = within === undefined ? otherwise : milliseconds(within)
  return { max: share(max), above, ...(time === undefined ? {} : { within: time }) }
}
