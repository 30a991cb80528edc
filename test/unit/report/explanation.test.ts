import { expect, test } from 'vitest'
import type { AuditRecord, Hold } from '../../../src/model/ledger.ts'
import { renderExplanation } from '../../../src/report/explanation.ts'
import type { Explanation, Unlinked } from '../../../src/report/explanation.ts'
import { person } from '../policy/company.ts'
import { left, noon, obligation, rule } from './samples.ts'

const link = {
  identity: 'hr:7',
  platform: 'wiki',
  nativeId: 'id-7',
  name: 'ada.byron',
  address: 'uid=ada.byron,ou=people',
  how: 'created',
  linkedAt: noon,
  shutByUs: null,
  passwordScrambled: false,
} as const

const record: AuditRecord = {
  at: noon,
  correlation: 'one',
  identity: 'hr:7',
  platform: 'wiki',
  account: 'ada.byron',
  action: 'grant',
  reason: rule,
  operator: 'jo',
  before: null,
  after: 'staff',
  askedAt: noon,
  result: 'done',
  detail: null,
}

function page(more: Partial<Explanation> = {}, identity = person('7', { startsAt: null })): readonly string[] {
  const explanation: Explanation = {
    identity,
    sourcesSay: identity.state,
    overrides: [],
    next: null,
    assignments: [],
    platforms: [],
    events: [],
    audit: [],
    ...more,
  }
  return renderExplanation(explanation, { zone: 'Europe/Berlin', bold: (text) => text }).split('\n')
}

test('a person of whom little is known: the state, its reason and its place', () => {
  expect(page().slice(0, 6)).toEqual([
    'hr:7  active',
    '  because of Status "Active"  people.csv:2:3',
    '  read from people.csv:2:3',
    '  the clock alone changes nothing',
    '',
    'Attributes',
  ])
})

test('all dates are shown in the zone in which they were read, and what the clock will change', () => {
  const identity = person('7', {
    zone: 'America/New_York',
    state: 'active',
    startsAt: noon,
    endsAt: noon,
    accessEndsAt: noon,
    leftAt: noon,
    vanishedAt: noon,
    held: 'contradicts itself',
    next: { at: noon, state: 'left' },
  })
  const at = '2026-11-22 07:00 America/New_York'
  const next = { at: noon, why: 'the state becomes left', zone: 'America/New_York' }
  expect(page({ next }, identity).slice(3, 10)).toEqual([
    `  starts ${at}`,
    `  ends ${at}`,
    `  access ends ${at}`,
    `  has no right to access since ${at}`,
    `  vanished from the feed ${at}`,
    '  held: contradicts itself',
    `  changes by the clock at ${at}: the state becomes left`,
  ])
})

test('roles, the account, each entitlement with its reason, what is owed, events and last changes', () => {
  const explanation: Partial<Explanation> = {
    assignments: [{ role: 'engineer', reason: rule, until: noon }],
    platforms: [
      {
        platform: 'wiki',
        link: { ...link, shutByUs: 'suspend' },
        grants: [{ identity: 'hr:7', platform: 'wiki', entitlement: 'staff', reason: rule, grantedAt: noon }],
        desired: {
          state: 'open',
          reason: rule,
          entitlements: [
            { name: 'staff', reason: rule },
            { name: 'editors', reason: rule, until: noon },
          ],
          expiresAt: null,
          held: 'the record contradicts itself',
        },
        obligation: obligation('7', {
          state: 'owed',
          lastError: { code: 'not-proven', message: 'no answer' },
          proof: { grade: 'not-proven', at: noon, resultCode: 49, dataCode: '52e', text: 'wrong password' },
        }),
        holds: [],
      },
    ],
    events: [{ kind: 'leaver', identity: 'hr:7', effectiveAt: noon, observedAt: noon, reason: left, changed: [] }],
    audit: [record, { ...record, action: 'proof', platform: null, reason: null, after: null, result: 'refused' }],
  }
  const identity = person('7', { attributes: { department: '' } })
  const at = '2026-11-22 13:00 Europe/Berlin'
  const all = page(explanation, identity)
  expect(all.slice(all.indexOf('Attributes'))).toEqual([
    'Attributes',
    '  givenName: Ada',
    '  surname: Byron',
    '  department: (empty)',
    '',
    'Roles',
    `  engineer  role employee  roles/base.yaml:3:5  until ${at}`,
    '',
    'wiki',
    `  account ada.byron  uid=ada.byron,ou=people  (created ${at})`,
    '  shut by Keyturn (suspend)',
    '  should be open: role employee  roles/base.yaml:3:5',
    '  nothing is changed: the record contradicts itself',
    '  staff  role employee  roles/base.yaml:3:5  (granted by Keyturn)',
    `  editors  role employee  roles/base.yaml:3:5  until ${at}`,
    `  owed since ${at}: no answer`,
    '  proof: not-proven, wrong password, result code 49, data code 52e',
    '',
    'Events',
    `  ${at}  leaver  Status "Left"  people.csv:7`,
    '',
    'Last changes',
    '  2026-11-22 13:00:00 Europe/Berlin  wiki  grant  staff  done  role employee  roles/base.yaml:3:5  by jo',
    '  2026-11-22 13:00:00 Europe/Berlin  proof  refused  by jo',
  ])
})

test('a platform on which nothing is linked and nothing is owed', () => {
  const desired = { state: 'shut', reason: left, entitlements: [], expiresAt: null, held: null } as const
  const all = page({ platforms: [{ platform: 'wiki', link: null, grants: [], desired, obligation: null, holds: [] }] })
  expect(all.slice(-3)).toEqual(['wiki', '  no account is linked', '  should be shut: Status "Left"  people.csv:7'])
})

test('why no account is linked, and where that could not be seen', () => {
  const desired = { state: 'open', reason: rule, entitlements: [], expiresAt: null, held: null } as const
  const told = (unlinked: Unlinked) => {
    const one = { platform: 'wiki', link: null, grants: [], desired, obligation: null, holds: [], unlinked }
    return page({ platforms: [one] }).slice(-2)
  }
  const withheld = [{ why: 'disputed', text: 'ada matches hr:7, but it is linked to hr:8.' }] as const
  const should = '  should be open: role employee  roles/base.yaml:3:5'
  expect(told({ withheld, unseen: null })).toEqual([
    '  withheld: disputed.  ada matches hr:7, but it is linked to hr:8.',
    should,
  ])
  expect(told({ withheld: [], unseen: null })).toEqual(['  no account is linked', should])
  expect(told({ withheld: [], unseen: 'no-answer' })[0]).toContain('could not be looked at')
  expect(told({ withheld: [], unseen: 'needs-whole-plan' })[0]).toContain('"keyturn plan"')
})

test('below a revocation stands what was seen, and what it cannot end', () => {
  const detail = 'not ended by this: tickets until 2026-11-22T22:00:00.000Z; not ended by this: open connections'
  const lines = page({ audit: [{ ...record, action: 'disable', detail }] })
  const at = lines.findIndex((line) => line.includes('  disable  '))
  expect(lines.slice(at + 1, at + 3)).toEqual([
    '      not ended by this: tickets until 2026-11-22 23:00 Europe/Berlin',
    '      not ended by this: open connections',
  ])
})

test('a leaver behind a hold: the account is not called shut, and what waits for a person is named', () => {
  const item = { fingerprint: 'f', identity: 'hr:7', summary: 'disable ada.byron (leaver)', status: 'open' } as const
  const hold: Hold = {
    id: 3,
    platform: 'wiki',
    why: 'removals-limit',
    text: '25 of 60 accounts',
    status: 'open',
    madeAt: noon,
    decidedAt: null,
    decidedBy: null,
    reason: null,
    items: [item, { ...item, status: 'done' }, { ...item, identity: 'hr:8' }],
  }
  const desired = { state: 'shut', reason: left, entitlements: [], expiresAt: null, held: null } as const
  const all = page({ platforms: [{ platform: 'wiki', link, grants: [], desired, obligation: null, holds: [hold] }] })
  expect(all.slice(all.indexOf('wiki') + 2)).toEqual([
    '  Keyturn has not shut it',
    '  should be shut: Status "Left"  people.csv:7',
    '  1 change not done, held in hold 3: 25 of 60 accounts',
    '    disable ada.byron (leaver)',
  ])
})

test('an entitlement that is to be taken away is shown for as long as the person has it', () => {
  const grants = [{ identity: 'hr:7', platform: 'wiki', entitlement: 'finance', reason: rule, grantedAt: noon }]
  const desired = { state: 'closed', reason: left, entitlements: [], expiresAt: null, held: null } as const
  const all = page({
    platforms: [
      { platform: 'wiki', link: { ...link, shutByUs: 'suspend' }, grants, desired, obligation: null, holds: [] },
    ],
  })
  expect(all.slice(-2)).toEqual([
    '  should be shut for now: Status "Left"  people.csv:7',
    '  finance  nothing calls for it any more; granted because of role employee  roles/base.yaml:3:5',
  ])
})

test('what was made, changed and ended is told without machine texts', () => {
  const made = JSON.stringify({ name: 'ada.byron', container: 'ou=people', enabled: true, mail: 'ada@corp.example' })
  const ends = '2026-11-22T23:00:00.000Z'
  const lines = page({
    audit: [
      { ...record, action: 'create', after: made },
      { ...record, action: 'expire', before: null, after: ends },
      { ...record, action: 'revoke', before: 'staff', after: null },
      { ...record, action: 'move', before: 'ou=people', after: 'ou=leavers' },
      { ...record, action: 'create', after: '{' },
    ],
  })
  expect(lines.slice(lines.indexOf('Last changes') + 1).map((line) => line.split('  ').slice(3, 5))).toEqual([
    ['create', 'ada.byron in ou=people'],
    ['expire', '2026-11-23 00:00 Europe/Berlin'],
    ['revoke', 'staff'],
    ['move', 'ou=people → ou=leavers'],
    ['create', '{'],
  ])
})

test('rows that are set aside, and a word that keeps an account open, are told', () => {
  const desired = { state: 'shut', reason: left, entitlements: [], expiresAt: null, held: null } as const
  const one = { platform: 'wiki', link, grants: [], desired, obligation: null, holds: [], rejectedIn: 7 }
  const all = page({ setAside: 2, platforms: [one] }).join('\n')
  expect(all).toContain('2 rows of hr are set aside')
  expect(all).toContain("stays open by a person's word: shutting was rejected in hold 7")
})

test('of a protected account it is told who recorded that it was shut by hand, or that nobody has', () => {
  const desired = { state: 'shut', reason: left, entitlements: [], expiresAt: null, held: null } as const
  const open = { ...link, shutByUs: null }
  const one = { platform: 'wiki', link: open, grants: [], desired, obligation: null, holds: [] }
  const told = (byHand: { record: AuditRecord | null } | null) => page({ platforms: [{ ...one, byHand }] }).join('\n')
  const said = { ...record, reason: { kind: 'operator', text: 'in the console' } as const }
  expect(told({ record: said })).toMatch(/protected; \S+ recorded on .* that it was shut by hand: in the console/)
  expect(told({ record: null })).toContain('nobody has recorded that it was shut by hand')
  expect(told(null)).toContain('Keyturn has not shut it')
})
