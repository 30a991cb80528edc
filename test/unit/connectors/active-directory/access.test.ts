import { expect, test } from 'vitest'
import { enableAccounts } from '../../../../src/connectors/active-directory/access.ts'
import { Board } from '../../../../src/connectors/active-directory/board.ts'
import type { Desk } from '../../../../src/connectors/active-directory/board.ts'
import type { AccountState } from '../../../../src/connectors/active-directory/state.ts'
import { Entry } from '../../../../src/connectors/directory/entry.ts'
import { LdapResultError } from '../../../../src/connectors/directory/errors.ts'
import type { Change } from '../../../../src/model/change.ts'

const enable: Change = {
  identity: 'hr:1',
  platform: 'corp',
  target: { nativeId: 'n1' },
  account: 'ann',
  reason: { kind: 'rule', text: 'test' },
  kind: 'enable',
}

test('an account whose flags another tool has changed is not enabled on the second try once the answer is no', async () => {
  const events: string[] = []
  let yeses = 1
  const board = new Board([enable])
  const state: AccountState = {
    nativeId: 'n1',
    dn: 'CN=Ann',
    name: 'ann',
    principalName: undefined,
    flags: 514,
    expiresAt: null,
    hasBeenLocked: false,
    passwordSetAt: '1',
    primaryGroup: 513,
    cannotManage: undefined,
  }
  board.observe(new Map([['n1', state]]))
  const flags = new Map([
    ['objectguid', [Buffer.alloc(16)]],
    ['useraccountcontrol', [Buffer.from('66050')]],
  ])
  const connection = {
    modify: async () => {
      events.push('modify')
      throw new LdapResultError(16, '00002085: the old value is another')
    },
    search: async (_spec: unknown, onEntry: (entry: unknown) => void) => onEntry(new Entry('CN=Ann', flags)),
  }
  const context = {
    signal: new AbortController().signal,
    now: () => 0,
    mayOpen: () => {
      events.push('asked')
      return yeses-- > 0
    },
  }
  const domain = { id: 'corp', settings: { limits: { concurrency: 1 } } }
  await enableAccounts({ board, connection, context, domain } as unknown as Desk)
  expect(events).toEqual(['asked', 'modify', 'asked'])
  expect(board.outcomes()).toMatchObject([{ result: 'retry', error: { code: 'claim-lost' } }])
})
