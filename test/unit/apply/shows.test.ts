import { describe, expect, test } from 'vitest'
import { shows } from '../../../src/apply/shows.ts'
import type { ObservedAccount } from '../../../src/model/account.ts'
import type { Change } from '../../../src/model/change.ts'
import { DAY } from '../../../src/model/instant.ts'

const account: ObservedAccount = {
  platform: 'corp',
  nativeId: 'n1',
  address: 'uid=ann,ou=staff,dc=corp',
  name: 'Ann',
  container: 'ou=staff,dc=corp',
  enabled: true,
  attributes: { title: ['Chief Clerk'], manager: ['UID=bob,ou=staff,dc=corp'] },
  entitlements: ['staff'],
  expiresAt: 10 * DAY,
}
const base = {
  identity: 'hr:1',
  platform: 'corp',
  target: { nativeId: 'n1' },
  account: 'Ann',
  reason: { kind: 'rule', text: 'role employee' },
} as const
const comparison = {
  connector: {
    canonical: (_attribute: string, value: string) => value.toLowerCase(),
    within: (address: string, container: string) => address.endsWith(`,${container}`),
  },
  addressOf: (identity: string) => (identity === 'hr:2' ? 'uid=bob,ou=staff,dc=corp' : undefined),
}
const update = (attribute: string, to: readonly string[] | { readonly accountOf: string }): Change => ({
  ...base,
  kind: 'update',
  field: { attribute, from: [], to },
})

describe('an account as it was read', () => {
  test.each<[string, Change, boolean]>([
    ['is renamed, whatever the case', { ...base, kind: 'rename', from: 'x', to: 'ann' }, true],
    ['is not renamed', { ...base, kind: 'rename', from: 'x', to: 'anna' }, false],
    ['stands in the container', { ...base, kind: 'move', from: 'x', to: 'ou=staff,dc=corp' }, true],
    ['does not stand there', { ...base, kind: 'move', from: 'x', to: 'ou=leavers,dc=corp' }, false],
    ['has the value in the canonical form', update('title', ['chief clerk']), true],
    ['has another value', update('title', ['Boss']), false],
    ['has a value where none is wanted', update('title', []), false],
    ['has none where none is wanted', update('phone', []), true],
    ['refers to the account', update('manager', { accountOf: 'hr:2' }), true],
    ['refers to an account that nobody knows', update('manager', { accountOf: 'hr:3' }), false],
    ['expires on the day', { ...base, kind: 'expire', from: null, to: 10 * DAY + 1 }, true],
    ['expires on another day', { ...base, kind: 'expire', from: null, to: 12 * DAY }, false],
    ['expires where it should not', { ...base, kind: 'expire', from: null, to: null }, false],
    ['holds the entitlement', { ...base, kind: 'grant', entitlement: 'staff' }, true],
    ['still holds what was taken away', { ...base, kind: 'revoke', entitlement: 'staff' }, false],
    ['is open', { ...base, kind: 'enable' }, true],
    ['is not shut', { ...base, kind: 'disable', protocol: 'suspend' }, false],
    ['is not deleted', { ...base, kind: 'delete' }, false],
  ])('%s', (_what, change, expected) => {
    expect(shows(change, account, comparison)).toBe(expected)
  })

  test('that is gone is shut and holds nothing, but shows nothing else', () => {
    expect(shows({ ...base, kind: 'disable', protocol: 'leaver' }, null, comparison)).toBe(true)
    expect(shows({ ...base, kind: 'revoke', entitlement: 'staff' }, null, comparison)).toBe(true)
    expect(shows({ ...base, kind: 'delete' }, null, comparison)).toBe(true)
    expect(shows({ ...base, kind: 'grant', entitlement: 'staff' }, null, comparison)).toBe(false)
    expect(shows({ ...base, kind: 'enable' }, null, comparison)).toBe(false)
  })
})
