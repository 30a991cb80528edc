import type { Connector } from '../model/connector.ts'
import type { Clock } from '../model/instant.ts'
import type { Logger, Secrets } from '../model/ports.ts'
import type { PlatformSettings } from '../model/settings.ts'
import { openActiveDirectory } from './active-directory/index.ts'
import { openLdap } from './ldap/index.ts'

export interface ConnectorTools {
  readonly secrets: Secrets
  readonly logger: Logger
  readonly clock: Clock
}

/** The connector for a platform. It connects when it is first used. */
export function openConnector(settings: PlatformSettings, tools: ConnectorTools): Connector {
  switch (settings.kind) {
    case 'ldap':
      return openLdap(settings, tools)
    case 'active-directory':
      return openActiveDirectory(settings, tools)
  }
}
