import type { Logger } from '../model/ports.ts'

/**
 * For a command that tries again every moment while somebody waits: of warnings about the same platform with the same error
 * the first is said.
 */
export function sayingOnce(logger: Logger): Logger {
  const said = new Set<string>()
  return {
    ...logger,
    warn(message, fields = {}) {
      const { platform, code } = fields as { readonly platform?: unknown; readonly code?: unknown }
      const about = JSON.stringify([message, platform, code])
      if (said.has(about)) logger.debug(message, fields)
      else logger.warn(message, fields)
      said.add(about)
    },
  }
}
