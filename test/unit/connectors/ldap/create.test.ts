import { describe, expect, test } from 'vitest'
import type { Connection } from '../../../../src/connectors/directory/connection.ts'
import { LdapResultError } from '../../../../src/connectors/directory/errors.ts'
import { createAccount } from '../../../../src/connectors/ldap/create.ts'
import type { CreateChange } from '../../../../src/connectors/ldap/create.ts'
import type { Session } from '../../../../src/connectors/ldap/session.ts'

const change: CreateChange = {
  identity: 'hr:1',
  platform: 'corp',
  target: { creates: 'hr:1' },
  account: 'ann',
  reason: { kind: 'rule', text: 'test' },
  kind: 'create',
  desired: { name: 'ann', container: 'ou=people,dc=x', enabled: true, attributes: {}, expiresAt: null },
}

/** A server whose policy refuses hashed passwords, so that an account takes an addition and a password. */
function stage(yeses: number) {
  const events: string[] = []
  const connection = {
    add: async (_dn: string, attributes: readonly { readonly type: string }[]) => {
      const hasPassword = attributes.some(({ type }) => type === 'userPassword')
      events.push(hasPassword ? 'add with a hash' : 'add')
      if (hasPassword) throw new LdapResultError(19, 'Password fails quality checking policy')
      return { controls: [] }
    },
    search: async (_spec: unknown, onEntry: (entry: unknown) => void) => {
      onEntry({ text: () => 'uuid-1' })
    },
    extended: async () => events.push('set the password'),
  }
  const schema = { objectClasses: ['inetOrgPerson'], nameAttribute: 'uid', rdnAttribute: 'uid' }
  const means = { nsAccountLock: false, lockedTime: true, endTime: true, hash: false }
  const session = {
    settings: { id: 'corp', base: 'dc=x', schema },
    facts: {
      vendor: 'openldap',
      nativeId: 'entryUUID',
      means,
      postRead: false,
      passwordModify: true,
      policy: { refusesHashes: true },
      attributes: new Set<string>(),
    },
    context: {
      mustChange: false,
      initialPassword: () => 'a password',
      mayOpen: () => {
        events.push('asked')
        return yeses-- > 0
      },
    },
    use: <T>(work: (connection: Connection) => Promise<T>) => work(connection as unknown as Connection),
  } as unknown as Session
  return { events, created: createAccount(session, change, undefined) }
}

describe('an account that takes several requests', () => {
  test('asks before each of them', async () => {
    const { events, created } = stage(3)
    await expect(created).resolves.toMatchObject({ result: 'done', account: { nativeId: 'uuid-1' } })
    expect(events).toEqual(['asked', 'add with a hash', 'asked', 'add', 'asked', 'set the password'])
  })

  test.each([
    [0, []],
    [1, ['add with a hash']],
  ])('is not made when the answer is no after %i, and nothing was sent for it', async (yeses, sent) => {
    const { events, created } = stage(yeses)
    await expect(created).rejects.toMatchObject({ code: 'claim-lost' })
    expect(events.filter((one) => one !== 'asked')).toEqual(sent)
  })

  test('has no password when the answer changes before that, and it is told that something was made', async () => {
    const { events, created } = stage(2)
    await expect(created).rejects.toMatchObject({ code: 'precondition-failed' })
    expect(events.at(-2)).toBe('add')
    expect(events.at(-1)).toBe('asked')
  })
})
