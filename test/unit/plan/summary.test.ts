import { expect, it } from 'vitest'
import type { Deed } from '../../../src/plan/sheet.ts'
import { summary } from '../../../src/plan/index.ts'
import { rule } from './world.ts'

const desired = { name: 'jane', container: 'ou=a', enabled: true, attributes: {}, expiresAt: null }

it.each<[Deed, string]>([
  [{ kind: 'link', by: 'mail "j@x"' }, 'link wiki jane (by mail "j@x")'],
  [{ kind: 'create', desired }, 'create wiki jane (ou=a)'],
  [{ kind: 'create', desired: { ...desired, enabled: false } }, 'create wiki jane (ou=a, shut)'],
  [{ kind: 'enable' }, 'enable wiki jane'],
  [{ kind: 'delete' }, 'delete wiki jane'],
  [{ kind: 'disable', protocol: 'leaver' }, 'disable wiki jane (leaver)'],
  [{ kind: 'move', from: 'ou=a', to: 'ou=b' }, 'move wiki jane (ou=a -> ou=b)'],
  [{ kind: 'rename', from: 'jane', to: 'joan' }, 'rename wiki jane (jane -> joan)'],
  [
    { kind: 'update', field: { attribute: 'title', from: [], to: ['x', 'y'] } },
    'update wiki jane (title: nothing -> "x", "y")',
  ],
  [
    { kind: 'update', field: { attribute: 'manager', from: ['uid=b'], to: { accountOf: 'hr:7' } } },
    'update wiki jane (manager: "uid=b" -> account of hr:7)',
  ],
  [{ kind: 'expire', from: null, to: Date.UTC(2030, 0, 2) }, 'expire wiki jane (never -> 2030-01-02T00:00:00.000Z)'],
  [{ kind: 'grant', entitlement: 'crm' }, 'grant wiki jane (crm)'],
  [{ kind: 'revoke', entitlement: 'root', privileged: true }, 'revoke wiki jane (root, privileged)'],
  [{ kind: 'issue-credential', credential: 'password' }, 'issue-credential wiki jane (password)'],
])('a change is one line for people: %j', (deed, expected) => {
  const base = { identity: 'hr:1', platform: 'wiki', target: { nativeId: 'n' }, account: 'jane', reason: rule }
  expect(summary({ ...base, ...deed })).toBe(expected)
})
