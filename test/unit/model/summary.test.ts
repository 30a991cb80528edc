import { expect, test } from 'vitest'
import type { Change } from '../../../src/model/change.ts'
import { summary } from '../../../src/model/summary.ts'

const reason = { kind: 'rule', text: 'role employee' } as const
const base = { identity: 'hr:1', platform: 'wiki', account: 'ann.example', target: { nativeId: 'g' }, reason }
const desired = { name: 'ann.example', container: 'OU=Staff', enabled: true, attributes: {}, expiresAt: null }
const field = { attribute: 'title', from: ['Clerk'] }

test.each<[string, Change]>([
  ['link ann.example by mail', { ...base, kind: 'link', by: 'mail' }],
  ['create ann.example in OU=Staff', { ...base, kind: 'create', desired }],
  [
    'create ann.example in OU=Staff (no sign-in yet)',
    { ...base, kind: 'create', desired: { ...desired, enabled: false } },
  ],
  ['disable ann.example (leaver)', { ...base, kind: 'disable', protocol: 'leaver' }],
  ['disable ann.example (suspended)', { ...base, kind: 'disable', protocol: 'suspend' }],
  ['enable ann.example', { ...base, kind: 'enable' }],
  ['delete ann.example', { ...base, kind: 'delete' }],
  ['rename ann.example from ann to anna', { ...base, kind: 'rename', from: 'ann', to: 'anna' }],
  ['move ann.example from OU=Staff to OU=Gone', { ...base, kind: 'move', from: 'OU=Staff', to: 'OU=Gone' }],
  [
    'set title of ann.example from "Clerk" to "Head", "Chief"',
    { ...base, kind: 'update', field: { ...field, to: ['Head', 'Chief'] } },
  ],
  [
    'set title of ann.example from nothing to nothing',
    { ...base, kind: 'update', field: { ...field, from: [], to: [] } },
  ],
  [
    'set title of ann.example from "Clerk" to the account of hr:2',
    { ...base, kind: 'update', field: { ...field, to: { accountOf: 'hr:2' } } },
  ],
  ['let ann.example expire never', { ...base, kind: 'expire', from: 1, to: null }],
  ['let ann.example expire on 1970-01-01T00:00:00.000Z', { ...base, kind: 'expire', from: null, to: 0 }],
  ['grant staff to ann.example', { ...base, kind: 'grant', entitlement: 'staff' }],
  ['grant admins (privileged) to ann.example', { ...base, kind: 'grant', entitlement: 'admins', privileged: true }],
  ['revoke admins from ann.example', { ...base, kind: 'revoke', entitlement: 'admins' }],
  ['issue a new password for ann.example', { ...base, kind: 'issue-credential', credential: 'password' }],
])('a change is one clause for people: %s', (text, change) => {
  expect(summary(change)).toBe(text)
})
