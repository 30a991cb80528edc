import { startSlapd } from '../../servers/slapd.ts'
import { conformance } from './conformance.ts'
import { ldapHarness } from './ldap-harness.ts'

const lockedTime = { pwdAccountLockedTime: '000001010000Z' }

conformance('OpenLDAP with a password policy that locks', async () =>
  ldapHarness({ server: await startSlapd({ ppolicy: 'lockout' }), shutByHand: lockedTime, hasKeys: true }),
)

conformance('OpenLDAP whose policy says why, with refint and memberof', async () => {
  const server = await startSlapd({ ppolicy: 'lockout', useLockout: true, memberof: true, refint: true })
  return ldapHarness({ server, shutByHand: lockedTime })
})

conformance('OpenLDAP whose policy does not lock', async () =>
  ldapHarness({ server: await startSlapd({ ppolicy: 'no-lockout' }), shutByHand: { pwdEndTime: '19700101000000Z' } }),
)

conformance('OpenLDAP without a password policy', async () =>
  ldapHarness({ server: await startSlapd(), shutByHand: { userPassword: '{SSHA}!not' }, groupClass: 'posixGroup' }),
)

conformance('OpenLDAP with groupOfUniqueNames', async () =>
  ldapHarness({
    server: await startSlapd(),
    shutByHand: { userPassword: '{CRYPT}!' },
    groupClass: 'groupOfUniqueNames',
  }),
)
