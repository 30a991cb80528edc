import { describe, expect, test } from 'vitest'
import { present } from '../../../src/connectors/directory/filters.ts'
import { readEntry, searchFew } from '../../../src/connectors/directory/search.ts'
import type { Change } from '../../../src/model/change.ts'
import type { Connector } from '../../../src/model/connector.ts'
import { DAY } from '../../../src/model/instant.ts'
import { startSlapd } from '../../servers/slapd.ts'
import type { Slapd } from '../../servers/slapd.ts'
import * as setup from './active-directory-setup.ts'
import { Watch } from './asking.ts'
import { Person, TestContext } from './conformance/harness.ts'
import { administrator, open, schema } from './ldap-harness.ts'

const { signal } = new AbortController()
const notSent = { result: 'retry', error: { code: 'claim-lost' } }
const quiet = { ppolicy: 'lockout', useLockout: true, tls: false } as const

function watched(watch: Watch): TestContext {
  return Object.assign(new TestContext(), { mayOpen: watch.mayOpen })
}

async function made(connector: Connector, container: string, names: readonly string[]): Promise<Person[]> {
  const people = names.map((name) => new Person(name))
  const outcomes = await connector.apply(
    people.map((person) => person.create(container)),
    new TestContext(),
  )
  return people.map((person, n) => {
    const { nativeId, address } = outcomes[n]?.account ?? { nativeId: '', address: '' }
    return Object.assign(person, { nativeId, address })
  })
}

function expiring(person: Person, to: number | null): Change {
  return { ...person.base, kind: 'expire', from: null, to }
}

async function names(slapd: Slapd): Promise<string[]> {
  await using connector = open(slapd)
  return (await connector.read('all', signal)).items.map(({ name }) => name).toSorted()
}

/** What the server has written to accounts and groups, in its order, without what it adds itself. */
async function logged(slapd: Slapd): Promise<string[]> {
  await using connection = await administrator({ ...slapd, root: slapd.service })
  const attributes = ['reqStart', 'reqDN', 'reqMod']
  const spec = { base: 'cn=accesslog', scope: 'one', filter: present('reqMod'), attributes } as const
  const entries = await searchFew(connection, spec)
  return entries
    .toSorted((one, two) => ((one.text('reqStart') ?? '') < (two.text('reqStart') ?? '') ? -1 : 1))
    .map((entry) => {
      const written = entry.texts('reqMod').filter((line) => !/^(entryCSN|modif|pwdChanged|pwdReset)/.test(line))
      return `${entry.text('reqDN')}: ${written.join(', ')}`
    })
}

async function membersOf(slapd: Slapd, group: string): Promise<readonly string[]> {
  await using connection = await administrator(slapd)
  return (await readEntry(connection, `cn=${group},${slapd.groups}`, ['member']))?.texts('member') ?? []
}

function groupOf(name: string, member = 'cn=nobody'): string {
  return `dn: cn=${name},ou=groups,dc=corp,dc=example\nobjectClass: groupOfNames\ncn: ${name}\nmember: ${member}\n\n`
}

describe('on OpenLDAP', () => {
  test('every request that opens is sent in the turn of its question, and what shuts asks nobody', async () => {
    await using slapd = await startSlapd({ ...quiet, entries: [groupOf('team')] })
    await using connector = open(slapd)
    using watch = new Watch()
    const context = watched(watch)
    const ann = new Person('ann')
    const [outcome] = await connector.apply([ann.create(slapd.people)], context)
    Object.assign(ann, outcome?.account)
    const lock = 'modify pwdAccountLockedTime pwdEndTime'
    expect(watch.story()).toEqual(['add, asked for test:ann'])
    await connector.apply([ann.disable('suspend')], context)
    expect(watch.story()).toEqual([lock])
    await connector.apply([ann.grant('team'), ann.issue(), ann.simple('enable')], context)
    const opened = ['modify member', 'extended', lock].map((what) => `${what}, asked for test:ann`)
    // The new password has lifted the lock, which comes back at once.
    expect(watch.story()).toEqual([opened[0], opened[1], 'modify pwdAccountLockedTime', opened[2]])
    await connector.apply([expiring(ann, Date.now() + DAY)], context)
    await connector.apply([expiring(ann, Date.now() - DAY)], context)
    expect(watch.story()).toEqual(['modify pwdEndTime, asked for test:ann', 'modify pwdEndTime'])
    const gone = await connector.apply([ann.disable('leaver'), ann.revoke('team'), ann.simple('delete')], context)
    expect(gone.map(({ result }) => result)).toEqual(['done', 'done', 'done'])
    const closing = watch.story()
    expect(closing.length).toBeGreaterThan(2)
    expect(closing.filter((one) => one.includes('asked'))).toEqual([])
  })

  test('what waits for its turn on the connection is not sent once the answer is no', async () => {
    await using slapd = await startSlapd(quiet)
    await using connector = open(slapd)
    using watch = new Watch()
    let isOver = false
    watch.answer = () => !isOver
    watch.onAnswer = () => (isOver = true)
    const people = Array.from({ length: 200 }, (_, n) => new Person(`waits${n}`))
    const outcomes = await connector.apply(
      people.map((person) => person.create(slapd.people)),
      watched(watch),
    )
    const done = people.filter((_, n) => outcomes[n]?.result === 'done')
    expect(await names(slapd)).toEqual(done.map(({ name }) => name).toSorted())
    expect(done.length).toBeGreaterThan(0)
    // 64 are in flight at most; the first answer ended it.
    expect(done.length).toBeLessThanOrEqual(64)
    for (const outcome of outcomes.filter(({ result }) => result !== 'done')) expect(outcome).toMatchObject(notSent)
  })

  test.each([1, 2])(
    'a worker that stops after request %i, and goes on when the person is gone, opens nothing',
    async (n) => {
      await using slapd = await startSlapd({ ...quiet, accesslog: true, entries: [groupOf('team')] })
      await using connector = open(slapd)
      await using other = open(slapd)
      const [ann] = (await made(connector, slapd.people, ['ann'])) as [Person]
      await connector.apply([ann.disable('suspend')], new TestContext())
      using watch = new Watch()
      const [context, revoking] = [watched(watch), new TestContext()]
      let [answers, isGone, before] = [0, false, 0]
      watch.answer = () => !isGone
      watch.onAnswer = async () => {
        if (++answers !== n) return
        isGone = true
        expect(await other.apply([ann.disable('leaver'), ann.revoke('team')], revoking)).toMatchObject([
          { result: 'done' },
          { result: 'done' },
        ])
        before = (await logged(slapd)).length
      }
      const outcomes = await connector.apply([ann.grant('team'), ann.issue(), ann.simple('enable')], context)
      expect(outcomes.map(({ error }) => error?.code)).toEqual([
        undefined,
        n === 1 ? 'claim-lost' : undefined,
        'claim-lost',
      ])
      // What was shut before the new password is shut again after it: nobody is asked about that.
      const late = (await logged(slapd)).slice(before)
      expect(late).toEqual(n === 1 ? [] : [`${ann.address}: pwdAccountLockedTime:= 000001010000Z`])
      expect(await membersOf(slapd, 'team')).toEqual(['cn=nobody'])
      const { items } = await connector.read([{ nativeId: ann.nativeId }], signal)
      expect(items).toMatchObject([{ enabled: false }])
      expect(await other.prove(items[0]!, revoking)).toMatchObject({ grade: 'refused' })
    },
  )

  test('grants that wait for a modification of their group under way are left out of the next; removals are not', async () => {
    await using slapd = await startSlapd({ ...quiet, entries: [groupOf('team')] })
    await using connector = open(slapd, { schema })
    const people = await made(connector, slapd.people, ['one', 'two', 'three'])
    const [one, two, three] = people as [Person, Person, Person]
    await connector.apply([three.grant('team')], new TestContext())
    using watch = new Watch()
    const late: Promise<unknown>[] = []
    let isOver = false
    watch.answer = (identity) => {
      // The first modification is on its way; what comes now waits for its end.
      if (late.length === 0) {
        late.push(connector.apply([two.grant('team')], watched(watch)))
        late.push(connector.apply([three.revoke('team')], watched(watch)))
      }
      return identity === one.identity || !isOver
    }
    watch.onAnswer = () => (isOver = true)
    expect(await connector.apply([one.grant('team')], watched(watch))).toMatchObject([{ result: 'done' }])
    expect(await Promise.all(late)).toMatchObject([[notSent], [{ result: 'done' }]])
    expect(await membersOf(slapd, 'team')).toEqual(['cn=nobody', one.address])
  })

  test('a group follows no account to its new name whose person has lost it meanwhile', async () => {
    await using slapd = await startSlapd({ ...quiet, entries: [groupOf('team')] })
    await using connector = open(slapd)
    const [ann] = (await made(connector, slapd.people, ['ann'])) as [Person]
    await connector.apply([ann.grant('team')], new TestContext())
    const context = new TestContext()
    context.overtaken.add(ann.identity)
    expect(await connector.apply([ann.relocate('rename', 'ann', 'anna')], context)).toMatchObject([notSent])
    expect(await membersOf(slapd, 'team')).toEqual(['cn=nobody'])
  })

  test('accounts that may not be made take no numbers from the counter', async () => {
    const counter = 'cn=counter,dc=corp,dc=example'
    const entries = [
      `dn: ${counter}\nobjectClass: device\nobjectClass: extensibleObject\ncn: counter\nuidNumber: 21000\n\n`,
    ]
    await using slapd = await startSlapd({ ...quiet, entries })
    const uidNumbers = { from: 20_000, to: 29_999, counter }
    const posix = { uidNumbers, gidNumber: 100, home: '/home/{name}', shell: '/bin/bash' }
    await using connector = open(slapd, { schema: { ...schema, posix } })
    const people = ['ann', 'bob', 'eve'].map((name) => new Person(name))
    const context = new TestContext()
    context.overtaken.add('test:bob')
    const changes = people.map((person) => person.create(slapd.people))
    expect(await connector.apply(changes, context)).toMatchObject([{ result: 'done' }, notSent, { result: 'done' }])
    await using connection = await administrator(slapd)
    expect((await readEntry(connection, counter, ['uidNumber']))?.text('uidNumber')).toBe('21002')
    expect(await names(slapd)).toEqual(['ann', 'eve'])
  })

  test('an end that lies ahead is not written once the answer is no; one that is over is', async () => {
    await using slapd = await startSlapd(quiet)
    await using connector = open(slapd)
    const [ann] = (await made(connector, slapd.people, ['ann'])) as [Person]
    const context = new TestContext()
    const ended = Math.floor((Date.now() - DAY) / 1_000) * 1_000
    context.overtaken.add(ann.identity)
    expect(await connector.apply([expiring(ann, ended)], context)).toMatchObject([{ result: 'done' }])
    for (const to of [null, Date.now() + DAY]) {
      expect(await connector.apply([expiring(ann, to)], context)).toMatchObject([notSent])
    }
    const { items } = await connector.read([{ nativeId: ann.nativeId }], signal)
    expect(items).toMatchObject([{ expiresAt: ended }])
  })
})

describe('on Active Directory', () => {
  test('every request that opens is sent in the turn of its question, and what shuts asks nobody', async () => {
    await using domain = await setup.startDomain()
    const { connector } = domain
    using watch = new Watch()
    const context = setup.context({ mayOpen: watch.mayOpen })
    const [created] = await connector.apply([setup.creation('ann')], context)
    const base = setup.about('ann', created?.account?.nativeId)
    const asked = (what: string): string => `${what}, asked for hr:ann`
    expect(watch.story()).toEqual([asked('add')])
    await connector.apply([{ ...base, kind: 'disable', protocol: 'suspend' }], context)
    expect(watch.story()).toEqual(['modify userAccountControl'])
    const opening: Change[] = [
      { ...base, kind: 'grant', entitlement: 'editors' },
      { ...base, kind: 'issue-credential', credential: 'password' },
      { ...base, kind: 'enable' },
    ]
    await connector.apply(opening, context)
    expect(watch.story()).toEqual(['modify member', 'modify unicodePwd', 'modify userAccountControl'].map(asked))
    const ends: Change = { ...base, kind: 'expire', from: null, to: Date.now() + DAY }
    const title = { attribute: 'title', from: [], to: ['Engineer'] }
    await connector.apply([{ ...base, kind: 'update', field: title }, ends], context)
    await connector.apply([{ ...ends, to: Date.now() - DAY }], context)
    expect(watch.story()).toEqual([asked('modify title accountExpires'), 'modify accountExpires'])
    const closing: Change[] = [
      { ...base, kind: 'disable', protocol: 'leaver' },
      { ...base, kind: 'revoke', entitlement: 'editors' },
    ]
    expect(await connector.apply(closing, context)).toMatchObject([{ result: 'done' }, { result: 'done' }])
    const story = watch.story()
    expect(story.length).toBeGreaterThan(3)
    expect(story.filter((one) => one.includes('asked'))).toEqual([])
  })

  test.each([1, 2])(
    'a worker that stops after request %i, and goes on when the person is gone, opens nothing',
    async (n) => {
      await using domain = await setup.startDomain()
      const { connector } = domain
      await using other = setup.open(domain.settings, domain.samba)
      const [ann] = await setup.make(domain, ['ann'])
      const base = setup.about('ann', ann?.nativeId)
      await connector.apply([{ ...base, kind: 'disable', protocol: 'suspend' }], setup.context())
      using watch = new Watch()
      const [context, revoking] = [setup.context({ mayOpen: watch.mayOpen }), setup.context()]
      let [answers, isGone] = [0, false]
      watch.answer = () => !isGone
      watch.onAnswer = async () => {
        if (++answers !== n) return
        isGone = true
        const leaving: Change[] = [
          { ...base, kind: 'disable', protocol: 'leaver' },
          { ...base, kind: 'revoke', entitlement: 'editors' },
        ]
        expect(await other.apply(leaving, revoking)).toMatchObject([{ result: 'done' }, { result: 'done' }])
        watch.story()
      }
      const opening: Change[] = [
        { ...base, kind: 'grant', entitlement: 'editors' },
        { ...base, kind: 'issue-credential', credential: 'password' },
        { ...base, kind: 'enable' },
      ]
      const outcomes = await connector.apply(opening, context)
      expect(outcomes.map(({ result }) => result)).toEqual(['done', n === 1 ? 'retry' : 'done', 'retry'])
      expect(watch.story()).toEqual([])
      const { items } = await connector.read([{ nativeId: ann?.nativeId ?? '' }], signal)
      expect(items).toMatchObject([{ enabled: false, entitlements: [] }])
      expect(await other.prove(items[0]!, revoking)).toMatchObject({ grade: 'refused' })
    },
  )

  test('an end that lies ahead is left out of a modification whose other values are set', async () => {
    await using domain = await setup.startDomain()
    const { connector } = domain
    const [ann] = await setup.make(domain, ['ann'])
    const base = setup.about('ann', ann?.nativeId)
    const context = setup.context({ mayOpen: () => false })
    const ended = Date.now() - DAY
    const expire = { ...base, kind: 'expire', from: null } as const
    expect(await connector.apply([{ ...expire, to: ended }], context)).toMatchObject([{ result: 'done' }])
    const update: Change = { ...base, kind: 'update', field: { attribute: 'title', from: [], to: ['Engineer'] } }
    const outcomes = await connector.apply([update, { ...expire, to: null }], context)
    expect(outcomes).toMatchObject([{ result: 'done' }, notSent])
    const { items } = await connector.read([{ nativeId: ann?.nativeId ?? '' }], signal)
    expect(items).toMatchObject([{ expiresAt: ended, attributes: { title: ['Engineer'] } }])
  })

  test('what else is to be done with an account that may not be made shares its fate', async () => {
    await using domain = await setup.startDomain()
    const { connector } = domain
    const grant: Change = { ...setup.about('ann'), kind: 'grant', entitlement: 'editors' }
    const context = setup.context({ mayOpen: () => false })
    expect(await connector.apply([setup.creation('ann'), grant], context)).toMatchObject([notSent, notSent])
    const { items } = await connector.read([{ name: 'ann', matches: [] }], signal)
    expect(items).toEqual([])
  })
})
