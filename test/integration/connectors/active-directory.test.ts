import { readFile } from 'node:fs/promises'
import { Client } from 'ldapts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { longestValues } from '../../../src/connectors/active-directory/attributes.ts'
import { writeFlags } from '../../../src/connectors/active-directory/flags.ts'
import { allValues } from '../../../src/connectors/active-directory/ranges.ts'
import { signIn as signInToDirectory } from '../../../src/connectors/directory/pool.ts'
import { readEntry } from '../../../src/connectors/directory/search.ts'
import type { Change } from '../../../src/model/change.ts'
import { HOUR } from '../../../src/model/instant.ts'
import * as setup from './active-directory-setup.ts'
import type { TestDomain } from './active-directory-setup.ts'

const { about, context, creation, leavers, make, roles, staff } = setup
const never = new AbortController().signal

let domain: TestDomain
beforeAll(async () => {
  domain = await setup.startDomain()
})
afterAll(() => domain[Symbol.asyncDispose]())

/** Signs in by LDAP; null when that worked, else what the domain controller says. */
async function signIn(dn: string, password: string): Promise<string | null> {
  const { samba } = domain
  const tlsOptions = { ca: await readFile(samba.ca), servername: samba.servername }
  const client = new Client({ url: samba.url, tlsOptions })
  try {
    await client.bind(dn, password)
    return null
  } catch (error) {
    return /data (\w+)/.exec(String(error))?.[1] ?? String(error)
  } finally {
    await client.unbind()
  }
}

async function read(nativeId: string) {
  const snapshot = await domain.connector.read([{ nativeId }], never)
  expect(snapshot.complete).toBe(true)
  return snapshot.items[0]
}

describe('creating', () => {
  test('an account can be used at once, with its names, and never without a password', async () => {
    const used = context()
    const [account] = await make(domain, ['ann.lee'], used)
    expect(account?.address).toBe(`CN=Person ann.lee,${staff}`)
    expect(await signIn(account!.address, used.passwords.get('hr:ann.lee')!)).toBeNull()
    const entry = await setup.lookUp(
      domain.client,
      account!.address,
      'userAccountControl',
      'userPrincipalName',
      'sAMAccountName',
    )
    expect(entry).toMatchObject({
      userAccountControl: '512',
      userPrincipalName: 'ann.lee@corp.example',
      sAMAccountName: 'ann.lee',
    })
  })

  test('a pre-hire account is made disabled and with the expiry that was announced', async () => {
    const expiresAt = Date.UTC(2027, 5, 30, 17, 0, 0, 123)
    const [outcome] = await domain.connector.apply([creation('pre', { enabled: false, expiresAt })], context())
    expect(outcome?.result).toBe('done')
    expect(await read(outcome!.account!.nativeId)).toMatchObject({ enabled: false, expiresAt })
  })

  test('a password that must be changed is marked so', async () => {
    const used = context({ mustChange: true })
    const [account] = await make(domain, ['must'], used)
    expect(await signIn(account!.address, used.passwords.get('hr:must')!)).toBe('773')
  })

  test('two people of one name in one container get two common names, also within one batch', async () => {
    const attributes = { displayName: ['Anna Smith, "the" #1 + <x>; a\\b'] }
    const outcomes = await domain.connector.apply(
      [creation('asmith', { attributes }), creation('asmith2', { attributes })],
      context(),
    )
    const [one, two] = outcomes.map((outcome) => outcome.account?.nativeId ?? JSON.stringify(outcome))
    expect((await setup.lookUp(domain.client, `<GUID=${one}>`, 'cn'))['cn']).toBe(attributes.displayName[0])
    expect((await setup.lookUp(domain.client, `<GUID=${two}>`, 'cn'))['cn']).toBe(
      `${attributes.displayName[0]} (asmith2)`,
    )
    expect((await read(two!))?.container).toBe(staff)
  })

  test('José and Jose are one name for Windows, so the second gets another common name', async () => {
    const outcomes = await domain.connector.apply(
      [
        creation('jose1', { attributes: { displayName: ['José Díaz'] } }),
        creation('jose2', { attributes: { displayName: ['Jose Diaz'] } }),
      ],
      context(),
    )
    expect(outcomes[1]?.account?.address).toBe(`CN=Jose Diaz (jose2),${staff}`)
  })

  test('a name that another object of the domain has is refused with that object named, and others are made', async () => {
    const outcomes = await domain.connector.apply([creation('editors'), creation('beside')], context())
    expect(outcomes.map(({ result }) => result)).toEqual(['failed', 'done'])
    expect(outcomes[0]?.error).toMatchObject({ code: 'name-taken' })
    expect(outcomes[0]?.error?.message).toContain(`CN=editors,${roles}`)
  })

  test('a name of 21 characters, which Samba would take, is refused before it is sent', async () => {
    const [outcome] = await domain.connector.apply([creation('abcdefghijklmnopqrstu')], context())
    expect(outcome).toMatchObject({ result: 'failed', error: { code: 'value-refused' } })
    expect(outcome?.error?.message).toContain('21 characters')
  })

  test('a weak password is refused in words, and the password is not in them', async () => {
    const [outcome] = await domain.connector.apply([creation('weakling')], context({ initialPassword: () => 'w3aK!' }))
    expect(outcome).toMatchObject({ result: 'failed', error: { code: 'password-refused' } })
    expect(outcome?.error?.message).toContain('password policy of the domain')
    expect(outcome?.error?.message).not.toContain('w3aK!')
  })

  test('a container that does not exist fails in words', async () => {
    const [outcome] = await domain.connector.apply([creation('lost', { container: `OU=Nowhere,${staff}` })], context())
    expect(outcome).toMatchObject({ result: 'failed', error: { code: 'object-missing' } })
  })
})

describe('references', () => {
  test('somebody whose manager has no account yet waits, and nobody else does', async () => {
    const [report] = await make(domain, ['report1'])
    const update = (to: string): Change => ({
      ...about('report1', report!.nativeId),
      kind: 'update',
      field: { attribute: 'manager', from: [], to: { accountOf: to } },
    })
    const [waiting] = await domain.connector.apply([update('hr:boss1')], context())
    expect(waiting).toMatchObject({ result: 'waiting', error: { code: 'reference-waits' } })
    // The manager comes later, and in the same batch.
    const outcomes = await domain.connector.apply([update('hr:boss1'), creation('boss1')], context())
    expect(outcomes.map(({ result }) => result)).toEqual(['done', 'done'])
    expect((await read(report!.nativeId))?.attributes['manager']).toEqual([`CN=Person boss1,${staff}`])
  })
})

describe('changing', () => {
  test('one bad value is told apart from the good ones beside it', async () => {
    const [account] = await make(domain, ['values'])
    const set = (attribute: string, to: string[], from: string[] = []): Change => ({
      ...about('values', account!.nativeId),
      kind: 'update',
      field: { attribute, from, to },
    })
    const outcomes = await domain.connector.apply(
      [
        set('title', ['Engineer']),
        set('extensionAttribute1', ['x']),
        set('displayName', ['D'.repeat(257)], ['Person values']),
        set('employeeNumber', [], ['nr-values']),
      ],
      context(),
    )
    expect(outcomes.map(({ result }) => result)).toEqual(['done', 'failed', 'failed', 'done'])
    expect(outcomes[1]?.error?.message).toContain('extensionAttribute1')
    expect(outcomes[2]?.error?.message).toContain('257 characters')
    expect((await read(account!.nativeId))?.attributes).toEqual({ title: ['Engineer'], displayName: ['Person values'] })
  })

  test('renamed and moved, an account keeps its native id and its memberships', async () => {
    const [account] = await make(domain, ['maiden'])
    const [, blocker] = await domain.connector.apply(
      [
        { ...about('maiden', account!.nativeId), kind: 'grant', entitlement: 'editors' },
        creation('blocker', { container: leavers, attributes: { displayName: ['Person maiden'] } }),
      ],
      context(),
    )
    expect(blocker?.result).toBe('done')
    const outcomes = await domain.connector.apply(
      [
        { ...about('maiden', account!.nativeId), kind: 'rename', from: 'maiden', to: 'married' },
        { ...about('maiden', account!.nativeId), kind: 'move', from: staff, to: leavers },
      ],
      context(),
    )
    expect(outcomes).toMatchObject([{ result: 'done' }, { result: 'done', account: { name: 'married' } }])
    const after = await read(account!.nativeId)
    expect(after).toMatchObject({ name: 'married', container: leavers, entitlements: ['editors'] })
    // The common name was taken there.
    expect(after?.address).toBe(`CN=Person maiden (married),${leavers}`)
    expect(await setup.lookUp(domain.client, after!.address, 'userPrincipalName')).toMatchObject({
      userPrincipalName: 'married@corp.example',
    })
    const again = await domain.connector.apply(
      [{ ...about('maiden', account!.nativeId), kind: 'move', from: staff, to: leavers }],
      context(),
    )
    expect(again).toMatchObject([{ result: 'already' }])
  })

  test('what was made of the old name follows a new one: the common name too, also where that is taken', async () => {
    const attributes = {}
    const outcomes = await domain.connector.apply(
      [creation('old1', { attributes }), creation('new1', { attributes })],
      context(),
    )
    const [old, taken] = outcomes.map(({ account }) => account!)
    await setup.replace(domain.client, taken!.address, 'sAMAccountName', 'freed')
    await setup.replace(domain.client, taken!.address, 'userPrincipalName', 'freed@corp.example')
    const rename: Change = { ...about('old1', old!.nativeId), kind: 'rename', from: 'old1', to: 'new1' }
    const [outcome] = await domain.connector.apply([rename], context())
    expect(outcome?.error).toBeUndefined()
    expect(outcome).toMatchObject({ result: 'done', account: { name: 'new1', address: `CN=new1 (new1),${staff}` } })
    expect((await domain.connector.apply([rename], context()))[0]?.result).toBe('already')
  })

  test('a container that does not exist is named, and the account stays', async () => {
    const [account] = await make(domain, ['stays'])
    const to = `OU=Nowhere,${staff}`
    const move: Change = { ...about('stays', account!.nativeId), kind: 'move', from: staff, to }
    const [outcome] = await domain.connector.apply([move], context())
    expect(outcome).toMatchObject({ result: 'failed', error: { code: 'object-missing' } })
    expect(outcome?.error?.message).toContain(to)
    expect((await read(account!.nativeId))?.container).toBe(staff)
  })

  test('a deleted account is gone', async () => {
    const [account] = await make(domain, ['deleted'])
    const remove: Change = { ...about('deleted', account!.nativeId), kind: 'delete' }
    expect((await domain.connector.apply([remove], context()))[0]?.result).toBe('done')
    expect(await read(account!.nativeId)).toBeUndefined()
    expect((await domain.connector.apply([remove], context()))[0]).toEqual({ result: 'already' })
  })

  test('flags that another tool has set stay, however often the account is disabled and enabled', async () => {
    const [account] = await make(domain, ['flags'])
    const dn = `<GUID=${account!.nativeId}>`
    await setup.replace(domain.client, dn, 'userAccountControl', String(512 + 0x10000 + 0x20))
    const disable: Change = { ...about('flags', account!.nativeId), kind: 'disable', protocol: 'suspend' }
    for (const result of ['done', 'already', 'already']) {
      expect((await domain.connector.apply([disable], context()))[0]?.result).toBe(result)
    }
    const { userAccountControl } = await setup.lookUp(domain.client, dn, 'userAccountControl')
    expect(Number(userAccountControl)).toBe(512 + 0x10000 + 0x20 + 2)
    await domain.connector.apply([{ ...about('flags', account!.nativeId), kind: 'enable' }], context())
    expect(await setup.lookUp(domain.client, dn, 'userAccountControl')).toMatchObject({
      userAccountControl: String(512 + 0x10000),
    })
  })

  test('many writers of userAccountControl, all of whom read the same old value, lose no bit', async () => {
    const [account] = await make(domain, ['race'])
    const { nativeId } = account!
    await using connection = await signInToDirectory({ ...setup.access(domain.samba), settings: domain.settings })
    const bits = [0x2, 0x10000, 0x100000, 0x400000, 0x20]
    const writes = bits.map((bit) => writeFlags(connection, { nativeId, flags: 512 }, (flags) => flags | bit))
    await Promise.all(writes)
    const { userAccountControl } = await setup.lookUp(domain.client, `<GUID=${nativeId}>`, 'userAccountControl')
    expect(Number(userAccountControl)).toBe(bits.reduce((sum, bit) => sum | bit, 512))
  })
})

describe('groups', () => {
  test('a group of 1,600 members, more than Windows tells at a time, is changed with one modification, and its nested group is left alone', async () => {
    const group = await setup.addGroup(domain.client, 'large')
    await setup.addGroup(domain.client, 'nested')
    const contacts = Array.from({ length: 1_600 }, (_, index) => `CN=contact ${index},${roles}`)
    await Promise.all(contacts.map((dn) => setup.add(domain.client, dn, { objectClass: 'contact' })))
    await setup.addMembers(domain.client, group, [...contacts, `CN=nested,${roles}`])
    const [one, two] = await make(domain, ['large1', 'large2'])
    const grant = (name: string, nativeId: string): Change => ({
      ...about(name, nativeId),
      kind: 'grant',
      entitlement: 'large',
    })
    const [first] = await domain.connector.apply([grant('large1', one!.nativeId)], context())
    expect(first?.result).toBe('done')
    // One of them is a member already, which makes the domain controller refuse both.
    const both = await domain.connector.apply(
      [grant('large1', one!.nativeId), grant('large2', two!.nativeId)],
      context(),
    )
    expect(both.map(({ result }) => result)).toEqual(['already', 'done'])
    const { member } = await setup.lookUp(domain.client, group, 'member')
    expect(member).toHaveLength(1_603)
    expect(member).toContain(`CN=nested,${roles}`)
    const revoke: Change = { ...about('large1', one!.nativeId), kind: 'revoke', entitlement: 'large' }
    expect((await domain.connector.apply([revoke], context()))[0]?.result).toBe('done')
    expect((await domain.connector.apply([revoke], context()))[0]?.result).toBe('already')
    expect((await read(two!.nativeId))?.entitlements).toEqual(['large'])

    // Windows gives 1,500 values at a time without being asked; here the first thousand are asked for.
    await using connection = await signInToDirectory({ ...setup.access(domain.samba), settings: domain.settings })
    const part = (await readEntry(connection, group, ['member;range=0-999']))!
    expect(part.texts('member;range=0-999')).toHaveLength(1_000)
    expect(new Set(await allValues(connection, group, 'member', part)).size).toBe(1_602)
  })

  test('a primary group is seen as held, and leaving it makes Domain Users the primary group', async () => {
    const group = await setup.addGroup(domain.client, 'primaries')
    const [account] = await make(domain, ['primary'])
    await setup.addMembers(domain.client, group, [account!.address])
    const { primaryGroupToken } = await setup.lookUp(domain.client, group, 'primaryGroupToken')
    await setup.replace(domain.client, account!.address, 'primaryGroupID', String(primaryGroupToken))
    await domain.connector.catalogue(never)
    expect((await read(account!.nativeId))?.entitlements).toEqual(['primaries'])
    const change = (kind: 'grant' | 'revoke'): Change => ({
      ...about('primary', account!.nativeId),
      kind,
      entitlement: 'primaries',
    })
    expect((await domain.connector.apply([change('grant')], context()))[0]?.result).toBe('already')
    expect((await domain.connector.apply([change('revoke')], context()))[0]).toMatchObject({ result: 'done' })
    expect((await read(account!.nativeId))?.entitlements).toEqual([])
    expect(await setup.lookUp(domain.client, account!.address, 'primaryGroupID')).toMatchObject({
      primaryGroupID: '513',
    })
  })

  test('an entitlement that does not exist fails for those who should get it, and for nobody else', async () => {
    const [account] = await make(domain, ['wants'])
    const grant = (entitlement: string): Change => ({
      ...about('wants', account!.nativeId),
      kind: 'grant',
      entitlement,
    })
    const outcomes = await domain.connector.apply([grant('no-such-group'), grant('all-staff')], context())
    expect(outcomes.map(({ result }) => result)).toEqual(['failed', 'done'])
    expect(outcomes[0]?.error?.message).toContain('no-such-group')
  })
})

describe('the leaver protocol', () => {
  const leave = (name: string, nativeId: string): Change => ({
    ...about(name, nativeId),
    kind: 'disable',
    protocol: 'leaver',
  })

  test('shuts the account for LDAP and Kerberos, kills the old password and proves it', async () => {
    const used = context()
    const [account] = await make(domain, ['gone'], used)
    const { nativeId, address } = account!
    const old = used.passwords.get('hr:gone')!
    await setup.replace(domain.client, address, 'servicePrincipalName', 'http/gone.corp.example')
    await setup.replace(
      domain.client,
      address,
      'altSecurityIdentities',
      'X509:<I>CN=ca<S>CN=gone',
      'SSHKEY:ssh-ed25519 AAAA',
    )
    await setup.replace(domain.client, address, 'userAccountControl', String(512 + 0x80000))
    expect(await domain.samba.kinit('gone', old)).toBeNull()

    const [outcome] = await domain.connector.apply([leave('gone', nativeId)], used)
    expect(outcome).toMatchObject({ result: 'done' })
    expect(outcome?.residual?.[0]?.until).toBeGreaterThan(Date.now() + 9 * HOUR)
    expect(used.steps.map(({ step }) => step)).toEqual(['disable', 'scramble', 'clear-credentials'])
    expect(used.steps[2]?.detail).toBe(
      'cleared servicePrincipalName (1), altSecurityIdentities (2), trust for delegation',
    )

    const after = await read(nativeId)
    expect(after).toMatchObject({ enabled: false })
    expect(after!.expiresAt).toBeLessThanOrEqual(Date.now())
    const proof = await domain.connector.prove(after!, used)
    expect(proof).toMatchObject({ grade: 'refused', resultCode: 49 })
    expect(['533', '701']).toContain(proof.dataCode)
    expect(await domain.samba.kinit('gone', used.scrambles.get('hr:gone')!)).toContain('revoked')

    // Even where somebody takes the bit and the date away again, the password that the person knew is of no use.
    await setup.replace(domain.client, address, 'userAccountControl', '512')
    await setup.replace(domain.client, address, 'accountExpires', '0')
    expect(await signIn(address, old)).toBe('52e')
    expect(await signIn(address, used.scrambles.get('hr:gone')!)).toBeNull()
    expect(await domain.connector.prove(after!, used)).toMatchObject({ grade: 'not-proven', resultCode: 0 })
  })

  test('a repeated run does only what is missing, and scrambles again when nobody knows the password', async () => {
    const used = context()
    const [account] = await make(domain, ['again'], used)
    const change = leave('again', account!.nativeId)
    await domain.connector.apply([change], used)
    const first = used.scrambles.get('hr:again')
    await domain.connector.apply([change], used)
    expect(used.scrambles.get('hr:again')).toBe(first)
    expect(used.steps).toHaveLength(3)
    // After a crash the steps are recorded, and the password is gone with the process.
    const later = context({ stepsDone: (identity) => used.stepsDone(identity) })
    expect((await domain.connector.apply([change], later))[0]?.result).toBe('done')
    expect(later.steps.map(({ step }) => step)).toEqual(['scramble'])
    expect(await domain.connector.prove((await read(account!.nativeId))!, later)).toMatchObject({ grade: 'refused' })
  })

  test('an account that is disabled, but whose password nobody knows, is proven by reading only', async () => {
    const used = context()
    const [account] = await make(domain, ['by-reading'], used)
    await domain.connector.apply([leave('by-reading', account!.nativeId)], used)
    const observed = await read(account!.nativeId)
    const proof = await domain.connector.prove(observed!, context())
    expect(proof).toMatchObject({ grade: 'read-back' })
  })

  test('a wrong password proves nothing', async () => {
    const used = context()
    const [account] = await make(domain, ['wrong-pw'], used)
    await domain.connector.apply([leave('wrong-pw', account!.nativeId)], used)
    const wrong = context({ scrambled: () => 'Not-the-password-1' })
    const proof = await domain.connector.prove((await read(account!.nativeId))!, wrong)
    expect(proof).toMatchObject({ grade: 'not-proven', resultCode: 49, dataCode: '52e' })
  })

  test('a rehire gets a new password and is opened again', async () => {
    const used = context()
    const [account] = await make(domain, ['rehire'], used)
    await domain.connector.apply([leave('rehire', account!.nativeId)], used)
    const back = context()
    const at = about('rehire', account!.nativeId)
    const outcomes = await domain.connector.apply(
      [
        { ...at, kind: 'enable' },
        { ...at, kind: 'issue-credential', credential: 'password' },
        { ...at, kind: 'expire', from: 0, to: null },
      ],
      back,
    )
    expect(outcomes.map(({ result }) => result)).toEqual(['done', 'done', 'done'])
    expect(await signIn(account!.address, back.passwords.get('hr:rehire')!)).toBeNull()
    expect(await signIn(account!.address, used.passwords.get('hr:rehire')!)).toBe('52e')
  })
})

describe('reading', () => {
  test('protected and built-in accounts are reported as such, computers are no accounts', async () => {
    const [account] = await make(domain, ['admin2'])
    await setup.replace(domain.client, account!.address, 'adminCount', '1')
    const { complete, items } = await domain.connector.read('all', never)
    expect(complete).toBe(true)
    const named = (name: string) => items.find((item) => item.name === name)
    expect(named('admin2')?.cannotManage).toContain('adminCount=1')
    expect(named('krbtgt')?.cannotManage).toContain('account of Windows')
    expect(named('DC1$')).toBeUndefined()
  })

  test('accounts are found by name and by what they are matched by; what is not there is not in the items', async () => {
    const [account] = await make(domain, ['findme'])
    const byName = await domain.connector.read([{ name: 'FINDME', matches: [] }], never)
    const byNumber = await domain.connector.read(
      [{ name: 'x*)(objectClass=*', matches: [{ attribute: 'employeeNumber', value: 'nr-findme' }] }],
      never,
    )
    expect(byName.items.map(({ nativeId }) => nativeId)).toEqual([account!.nativeId])
    expect(byNumber.items.map(({ nativeId }) => nativeId)).toEqual([account!.nativeId])
    const nobody = await domain.connector.read([{ nativeId: '11111111-1111-1111-1111-111111111111' }], never)
    expect(nobody).toMatchObject({ complete: true, items: [] })
  })

  test('an account that is locked for wrong passwords says so', async () => {
    await setup.replace(domain.client, domain.samba.base, 'lockoutThreshold', '2')
    const [account] = await make(domain, ['locked'])
    for (let tries = 0; tries < 3; tries++) await signIn(account!.address, 'wrong')
    expect(await read(account!.nativeId)).toMatchObject({ lockedOut: true, enabled: true })
    await setup.replace(domain.client, domain.samba.base, 'lockoutThreshold', '0')
  })

  test('the account that Keyturn signs in with is found, however the configuration names it', async () => {
    for (const dn of [domain.samba.administrator.dn, 'administrator@corp.example', 'CORP\\Administrator']) {
      await using connector = setup.open({ ...domain.settings, bind: { ...domain.settings.bind, dn } }, domain.samba)
      expect(await connector.signsInAs(never)).toBe('CN=Administrator,CN=Users,DC=corp,DC=example')
    }
  })

  test('the strictest password policy that can be read is the one that counts', async () => {
    expect(await domain.connector.passwordPolicy(never)).toMatchObject({ length: 7, classes: 3 })
    const pso = 'CN=strict,CN=Password Settings Container,CN=System,DC=corp,DC=example'
    await setup.add(domain.client, pso, {
      objectClass: 'msDS-PasswordSettings',
      'msDS-PasswordSettingsPrecedence': '10',
      'msDS-PasswordReversibleEncryptionEnabled': 'FALSE',
      'msDS-PasswordHistoryLength': '0',
      'msDS-PasswordComplexityEnabled': 'TRUE',
      'msDS-MinimumPasswordLength': '15',
      'msDS-MinimumPasswordAge': '0',
      'msDS-MaximumPasswordAge': '-9223372036854775808',
      'msDS-LockoutThreshold': '0',
      'msDS-LockoutObservationWindow': '0',
      'msDS-LockoutDuration': '0',
    })
    expect(await domain.connector.passwordPolicy(never)).toMatchObject({ length: 15 })
    await domain.client.del(pso)
  })
})

test('the longest values that are allowed are those of the schema of a real domain', async () => {
  const { searchEntries } = await domain.client.search('CN=Schema,CN=Configuration,DC=corp,DC=example', {
    scope: 'one',
    filter: '(objectClass=attributeSchema)',
    attributes: ['lDAPDisplayName', 'rangeUpper'],
  })
  const schema = new Map(searchEntries.map((entry) => [String(entry['lDAPDisplayName']), Number(entry['rangeUpper'])]))
  expect(longestValues).toEqual(Object.fromEntries(Object.keys(longestValues).map((name) => [name, schema.get(name)])))
})

/** The rights that docs/connectors/active-directory.md lists, with its commands: container, then what is allowed there. */
const user = 'bf967aba-0de6-11d0-a285-00aa003049e2'
const group = 'bf967a9c-0de6-11d0-a285-00aa003049e2'
const member = 'bf9679c0-0de6-11d0-a285-00aa003049e2'
const resetPassword = '00299570-246d-11d0-a768-00aa006e0529'
const people = [`(OA;CI;CCDC;${user};;SID)`, `(OA;CIIO;RPWP;;${user};SID)`, `(OA;CIIO;CR;${resetPassword};${user};SID)`]
const rights = [
  [staff, ...people],
  [leavers, ...people],
  [roles, `(OA;CIIO;RPWP;${member};${group};SID)`],
] as const

function sidText(sid: Buffer): string {
  const numbers = Array.from({ length: sid.readUInt8(1) }, (_, index) => sid.readUInt32LE(8 + 4 * index))
  return ['S', 1, sid.readUIntBE(2, 6), ...numbers].join('-')
}

describe('trouble', () => {
  test('an url without TLS is refused before anything is sent', async () => {
    await using connector = setup.open({ ...domain.settings, url: domain.samba.plainUrl, insecure: true }, domain.samba)
    const snapshot = await connector.read('all', never)
    expect(snapshot).toMatchObject({ complete: false, items: [], cause: { code: 'insecure' } })
    const [outcome] = await connector.apply([creation('in-the-clear')], context())
    expect(outcome).toMatchObject({ result: 'failed', error: { code: 'insecure' } })
    expect(await connector.check(never)).toMatchObject([{ severity: 'error' }])
  })

  test('a base in another domain is named as the mistake', async () => {
    await using connector = setup.open({ ...domain.settings, base: 'DC=other,DC=example' }, domain.samba)
    const [outcome] = await connector.apply([creation('elsewhere')], context())
    expect(outcome?.error).toMatchObject({ code: 'config-invalid' })
    expect((await connector.read('all', never)).complete).toBe(false)
  })

  test('a group name that two groups have is not granted by a guess', async () => {
    await setup.add(domain.client, `OU=Sub,${roles}`, { objectClass: 'organizationalUnit' })
    await setup.add(domain.client, `CN=twice,${roles}`, { objectClass: 'group', sAMAccountName: 'twice1' })
    await setup.add(domain.client, `CN=twice,OU=Sub,${roles}`, { objectClass: 'group', sAMAccountName: 'twice2' })
    const catalogue = await domain.connector.catalogue(never)
    expect(catalogue.complete).toBe(true)
    expect(catalogue.items.map(({ name }) => name)).not.toContain('twice')
    const complaints = await domain.connector.check(never)
    expect(complaints.find(({ message }) => message.includes('twice'))).toMatchObject({ severity: 'error' })
    const named = {
      once: { id: `CN=twice,OU=Sub,${roles}`, members: 'exact', privileged: true, place: domain.settings.place },
    } as const
    const settings = { ...domain.settings, entitlements: { ...domain.settings.entitlements, named } }
    await using connector = setup.open(settings, domain.samba)
    const { items } = await connector.catalogue(never)
    expect(items.find(({ name }) => name === 'once')).toMatchObject({ members: 'exact', privileged: true })
    expect(items.map(({ name }) => name)).toContain('twice')
  })

  test('an account without rights is told what it lacks, and which accounts are out of its reach', async () => {
    const used = context()
    const [service, victim, admin] = await make(domain, ['svc-keyturn', 'victim', 'admin3'], used)
    await setup.replace(domain.client, admin!.address, 'adminCount', '1')
    const bind = { ...domain.settings.bind, dn: service!.address }
    await using connector = setup.open({ ...domain.settings, bind }, domain.samba, used.passwords.get('hr:svc-keyturn'))
    const messages = (await connector.check(never)).map(({ message }) => message).join('\n')
    expect(messages).toContain(`Keyturn may not create users in ${staff}`)
    expect(messages).toContain('Keyturn may not write userAccountControl')
    expect(messages).toContain('Keyturn may not change the members of')
    const outcomes = await connector.apply(
      [
        { ...about('victim', victim!.nativeId), kind: 'disable', protocol: 'leaver' },
        { ...about('admin3', admin!.nativeId), kind: 'disable', protocol: 'suspend' },
      ],
      context(),
    )
    expect(outcomes).toMatchObject([
      { result: 'failed', error: { code: 'no-rights' } },
      { result: 'failed', error: { code: 'cannot-manage' } },
    ])
    expect((await read(victim!.nativeId))?.enabled).toBe(true)
  })

  test('an account with the rights that the documentation lists, and no others, can do everything', async () => {
    const used = context()
    const [service] = await make(domain, ['svc-least'], used)
    const { objectSid } = await setup.lookUp(domain.client, service!.address, 'objectSid')
    for (const [container, ...aces] of rights) {
      const sddl = aces.map((ace) => ace.replace('SID', sidText(objectSid as Buffer))).join('')
      await domain.samba.tool('dsacl', 'set', '--action=allow', `--objectdn=${container}`, `--sddl=${sddl}`)
    }
    const bind = { ...domain.settings.bind, dn: 'svc-least@corp.example' }
    await using connector = setup.open({ ...domain.settings, bind }, domain.samba, used.passwords.get('hr:svc-least'))
    const complaints = await connector.check(never)
    expect(complaints.filter(({ severity, message }) => severity === 'error' && !message.includes('twice'))).toEqual([])

    const [made] = await connector.apply(
      [creation('by-least', { attributes: { displayName: ['By Least'] } })],
      context({ mustChange: true }),
    )
    expect(made).toMatchObject({ result: 'done' })
    const at = about('by-least', made!.account!.nativeId)
    const steps = context()
    const outcomes = await connector.apply(
      [
        { ...at, kind: 'update', field: { attribute: 'title', from: [], to: ['Engineer'] } },
        { ...at, kind: 'grant', entitlement: 'all-staff' },
        { ...at, kind: 'rename', from: 'by-least', to: 'by-least2' },
        { ...at, kind: 'disable', protocol: 'leaver' },
        { ...at, kind: 'move', from: staff, to: leavers },
      ],
      steps,
    )
    expect(outcomes.map(({ error }) => error?.message)).toEqual(outcomes.map(() => undefined))
    const shut = await read(at.target.nativeId!)
    expect(await connector.prove(shut!, steps)).toMatchObject({ grade: 'refused' })
    const back = await connector.apply(
      [
        { ...at, kind: 'revoke', entitlement: 'all-staff' },
        { ...at, kind: 'move', from: leavers, to: staff },
        { ...at, kind: 'expire', from: 0, to: null },
        { ...at, kind: 'issue-credential', credential: 'password' },
        { ...at, kind: 'enable' },
        { ...at, kind: 'delete' },
      ],
      context({ mustChange: true }),
    )
    expect(back.map(({ error }) => error?.message)).toEqual(back.map(() => undefined))
  })

  test('the administrator has every right, and doctor tells what disabling does here', async () => {
    const complaints = await domain.connector.check(never)
    expect(complaints.filter(({ severity, message }) => severity === 'error' && !message.includes('twice'))).toEqual([])
    expect(complaints.map(({ message }) => message).join('\n')).toContain('functional level')
  })

  test('while the domain controller is down nothing is known and everything is tried later; afterwards all goes on', async () => {
    await domain.samba.kill()
    expect(await domain.connector.read('all', never)).toMatchObject({
      complete: false,
      items: [],
      cause: { code: 'platform-unreachable' },
    })
    const outcomes = await domain.connector.apply([creation('later'), creation('later2')], context())
    expect(outcomes).toMatchObject([{ result: 'retry' }, { result: 'retry' }])
    await domain.samba.start()
    expect(await make(domain, ['later'])).toHaveLength(1)
  })

  test('a wrong password of our own is one refused sign-in, not one for every change', async () => {
    await using connector = setup.open(domain.settings, domain.samba, 'not the password')
    expect(await connector.read('all', never)).toMatchObject({
      complete: false,
      cause: { code: 'platform-sign-in-refused' },
    })
  })
})
