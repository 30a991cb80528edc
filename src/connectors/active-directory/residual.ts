import type { ResidualAccess } from '../../model/connector.ts'
import { DAY, HOUR } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'

// The Kerberos policy of a domain is kept in a group policy file, not in the directory: these are the defaults of Windows.
const ticketLifetime = 10 * HOUR
const renewableLifetime = 7 * DAY

/** What a disabled account can still do, because no domain controller is asked about it any more. */
export function residualAccess(disabledAt: Instant): ResidualAccess[] {
  return [
    {
      what: 'Kerberos service tickets that were issued before (10 hours, unless the Kerberos policy of the domain says otherwise)',
      until: disabledAt + ticketLifetime,
    },
    {
      what: 'Kerberos tickets that are renewed, only where the domain does not enforce user logon restrictions (7 days)',
      until: disabledAt + renewableLifetime,
    },
    {
      what: 'connections that are open already (files, remote desktop, LDAP), and cached sign-ins of computers that are offline',
      until: null,
    },
  ]
}
