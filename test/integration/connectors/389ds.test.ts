import { startDs389 } from '../../servers/ds389.ts'
import { conformance } from './conformance.ts'
import { ldapHarness } from './ldap-harness.ts'

conformance('389 Directory Server', async () =>
  ldapHarness({ server: await startDs389(), shutByHand: { nsAccountLock: 'true' }, asciiNames: true }),
)
