import { expect, test } from 'vitest'
import { KeyturnError } from '../../../src/model/errors.ts'
import { World } from './world.ts'

test('a joiner gets an account, its groups, a link and a password that was handed over', async () => {
  const world = new World()
  world.wish('hr:1', { groups: ['staff'] })
  const report = await world.settle(await world.plan())
  const [account] = world.accountOf('hr:1')
  expect(report.obligations).toMatchObject([{ identity: 'hr:1', state: 'settled', moved: false }])
  expect(account).toMatchObject({ enabled: true, name: 'person1' })
  expect([...(account?.entitlements ?? [])]).toEqual(['staff'])
  expect(world.ledger.linkRows.get('hr:1')).toMatchObject({ how: 'created', shutByUs: null })
  expect(world.ledger.grantsOf('hr:1')).toEqual(['staff'])
  expect(world.handedOver.get('person1')).toBe(account?.password)
  expect(await world.plan()).toEqual([])
})

test('a leaver is shut, proven and stripped, every step is in the audit, and the residue with its end', async () => {
  const world = new World()
  world.wish('hr:1', { groups: ['staff'] })
  await world.quiesce()
  world.wish('hr:1', { state: 'shut' })
  const report = await world.settle(await world.plan())
  expect(report.obligations).toMatchObject([{ state: 'settled', lane: 'revoke', proof: { grade: 'refused' } }])
  expect(world.accountOf('hr:1')).toMatchObject([{ enabled: false, entitlements: new Set() }])
  expect(world.ledger.linkRows.get('hr:1')).toMatchObject({ shutByUs: 'leaver', passwordScrambled: true })
  const actions = world.ledger.records.map(({ action, after, result }) => `${action} ${after} ${result}`)
  expect(actions).toContain('step begun done')
  expect(actions).toContain('step scramble done')
  expect(world.ledger.records.find(({ action }) => action === 'proof')).toMatchObject({
    result: 'refused',
    detail: expect.stringContaining('data code 533'),
  })
  expect(world.ledger.records.find(({ action }) => action === 'disable')?.detail).toContain(
    'Kerberos tickets until 1970',
  )
})

test('a person who comes back gets a new password before the account is opened', async () => {
  const world = new World()
  world.wish('hr:1', { groups: ['staff'] })
  await world.quiesce()
  const first = world.handedOver.get('person1')
  world.wish('hr:1', { state: 'shut' })
  await world.quiesce()
  world.wish('hr:1', { state: 'open' })
  world.platform.events.length = 0
  await world.quiesce()
  const [account] = world.accountOf('hr:1')
  expect(world.platform.events).toEqual(['grant n1', 'issue-credential n1', 'enable n1'])
  expect(account?.enabled).toBe(true)
  expect(world.handedOver.get('person1')).toBe(account?.password)
  expect(account?.password).not.toBe(first)
})

test('an account that security shut by hand is not ours to open, even after the leaver protocol ran over it', async () => {
  const world = new World()
  world.wish('hr:1')
  await world.quiesce()
  for (const account of world.accountOf('hr:1')) account.enabled = false
  world.wish('hr:1', { state: 'shut' })
  await world.settle(await world.plan())
  expect(world.ledger.linkRows.get('hr:1')).toMatchObject({ foundShut: true, passwordScrambled: true })
})

test('a change that was admitted but is not needed any more is moved, and one that nobody admitted is not made', async () => {
  const world = new World()
  world.wish('hr:1', { title: 'Clerk' })
  await world.quiesce()
  world.wish('hr:1', { title: 'Chief' })
  const pointers = await world.plan()
  world.wish('hr:1', { title: 'Boss', groups: ['board'] })
  const report = await world.settle(pointers)
  expect(report.obligations).toMatchObject([{ state: 'settled', moved: true, results: [{ status: 'moved' }] }])
  expect(world.accountOf('hr:1')).toMatchObject([{ attributes: { title: ['Clerk'] }, entitlements: new Set() }])
})

test('what somebody else has done meanwhile counts as already there, and a grant by another hand is not ours', async () => {
  const world = new World()
  world.wish('hr:1')
  await world.quiesce()
  world.wish('hr:1', { title: 'Chief', groups: ['board'] })
  const pointers = await world.plan()
  for (const account of world.accountOf('hr:1')) {
    account.attributes['title'] = ['Chief']
    account.entitlements.add('board')
  }
  const report = await world.settle(pointers)
  expect(report.obligations[0]?.results.map(({ status }) => status)).toEqual(['already', 'already'])
  expect(world.ledger.grantsOf('hr:1')).toEqual([])
})

test('a success answer that a fresh read does not confirm is tried again and never counted as done', async () => {
  const world = new World()
  world.wish('hr:1')
  await world.quiesce()
  world.platform.lies = ({ kind }) => kind === 'grant'
  world.wish('hr:1', { groups: ['staff'] })
  const report = await world.settle(await world.plan())
  expect(report.obligations).toMatchObject([{ state: 'retry', error: { code: 'not-read-back' } }])
  expect(world.ledger.grantsOf('hr:1')).toEqual([])
})

const isMade = ({ platform }: World) => platform.events.some((event) => event.startsWith('create'))

test('an account that is shut before it is read back was made all the same, and the record says so', async () => {
  const world = new World()
  world.wish('hr:1')
  world.platform.hook = async (what) => {
    if (what === 'read' && isMade(world)) for (const account of world.accountOf('hr:1')) account.enabled = false
  }
  const report = await world.settle(await world.plan())
  expect(report.obligations).toMatchObject([{ state: 'settled' }])
  expect(world.unrecorded()).toEqual([])
})

test('an account that cannot be read back is owed one more look, and the record tells already where it comes from', async () => {
  const world = new World()
  world.wish('hr:1')
  world.platform.hook = async (what) => {
    if (what === 'read' && isMade(world)) throw new KeyturnError('platform-unreachable', 'connection reset')
  }
  const report = await world.settle(await world.plan())
  expect(report.obligations).toMatchObject([{ state: 'retry', error: { code: 'platform-read-incomplete' } }])
  expect(world.ledger.records.filter(({ action }) => action === 'create')).toMatchObject([
    { result: 'done', detail: expect.stringContaining('could not be read back') },
  ])
  expect(world.ledger.linkRows.get('hr:1')).toMatchObject({ how: 'created' })
})

test('an account that is not there when it is read back is not recorded as made', async () => {
  const world = new World()
  world.wish('hr:1')
  world.platform.hook = async (what) => {
    if (what === 'read' && isMade(world)) world.platform.accounts.clear()
  }
  const report = await world.settle(await world.plan())
  expect(report.obligations).toMatchObject([{ state: 'retry', error: { code: 'not-read-back' } }])
  expect(world.ledger.records.filter(({ action }) => action === 'create')).toMatchObject([{ result: 'retry' }])
})

test('a platform that answers 200 and keeps the account working leaves the revocation owed, loudly', async () => {
  const world = new World()
  world.wish('hr:1')
  await world.quiesce()
  world.platform.lies = ({ kind }) => kind === 'disable'
  world.wish('hr:1', { state: 'shut' })
  const report = await world.settle(await world.plan())
  expect(report.obligations).toMatchObject([{ state: 'retry', proof: null, error: { code: 'not-read-back' } }])
  expect(world.ledger.linkRows.get('hr:1')?.shutByUs).toBeNull()
  expect(world.log.filter((line) => line.startsWith('error'))).toHaveLength(1)
})

test('a revocation that is not proven stays owed however often it was tried', async () => {
  const world = new World()
  world.wish('hr:1')
  await world.quiesce()
  world.platform.proofGrade = 'not-proven'
  world.wish('hr:1', { state: 'shut' })
  const pointers = await world.plan()
  for (let i = 0; i < 10; i += 1) {
    world.now += 60_000
    const report = await world.settle(pointers)
    expect(report.obligations).toMatchObject([{ state: 'retry', error: { code: 'not-proven' } }])
  }
  expect(world.accountOf('hr:1')).toMatchObject([{ enabled: false }])
  expect(world.log.some((line) => line.includes('a revocation is not proven and stays owed'))).toBe(true)
  world.platform.proofGrade = 'read-back'
  await world.quiesce()
  expect(world.ledger.settlements.at(-1)?.proof?.grade).toBe('read-back')
})

test('the failure of one person does not stop the others, and ends for good after the stated number of tries', async () => {
  const world = new World()
  world.wish('hr:1')
  world.wish('hr:2')
  world.platform.trouble = ({ kind, identity }) =>
    kind === 'create' && identity === 'hr:1'
      ? { result: 'retry', error: { code: 'unexpected', message: 'server said 80' } }
      : undefined
  const states: (string | undefined)[] = []
  const pointers = await world.plan()
  for (let i = 0; i < 3; i += 1) {
    const report = await world.settle(pointers)
    states.push(report.obligations.find(({ identity }) => identity === 'hr:1')?.state)
    world.now += 60_000
  }
  expect(states).toEqual(['retry', 'retry', 'failed'])
  expect(world.accountOf('hr:2')).toHaveLength(1)
  expect(world.log.filter((line) => line.includes('changes failed for good'))).toHaveLength(1)
})

test('a person whose changes cannot be worked out is put off alone', async () => {
  const world = new World()
  world.wish('hr:1')
  world.wish('hr:2')
  const report = await world.settle(await world.plan(), {
    needed: (view, claimed) => {
      if (claimed.some(({ identity }) => identity === 'hr:1')) throw new KeyturnError('value-refused', 'no surname')
      return world.needed(
        view,
        claimed.map(({ identity }) => identity),
      )
    },
  })
  expect(report.obligations.map(({ identity, state }) => `${identity} ${state}`)).toEqual([
    'hr:1 retry',
    'hr:2 settled',
  ])
})

test('while a platform is down everybody is tried again later, and nobody is given up', async () => {
  const world = new World()
  for (let i = 1; i <= 5; i += 1) world.wish(`hr:${i}`)
  const pointers = await world.plan()
  for (let i = 0; i < 6; i += 1) {
    const report = await world.settle(pointers, {
      observe: () => Promise.reject(new KeyturnError('platform-unreachable', 'connection refused')),
    })
    expect(report.obligations.map(({ state }) => state)).toEqual(Array(5).fill('retry'))
    world.now += 60_000
  }
  // One line for all five, each of the six times.
  const told = world.log.filter((line) => line.includes('changes are tried again later'))
  expect(told).toHaveLength(6)
  expect(world.ledger.records).toEqual([])
  await world.quiesce()
  expect(world.platform.accounts.size).toBe(5)
})

test('a manager without an account makes the report wait; the rest of the report is done', async () => {
  const world = new World()
  world.wish('hr:1', { manager: 'hr:2', groups: ['staff'] })
  const report = await world.settle(await world.plan())
  expect(report.obligations).toMatchObject([{ state: 'waiting', error: { code: 'reference-waits' } }])
  expect(world.accountOf('hr:1')).toMatchObject([{ entitlements: new Set(['staff']) }])
  world.wish('hr:2')
  await world.quiesce()
  expect(world.accountOf('hr:1')).toMatchObject([{ attributes: { manager: ['cn=person2,ou=staff'] } }])
})

test('a manager and a report that are created together need no second try', async () => {
  const world = new World()
  world.wish('hr:1', { manager: 'hr:2' })
  world.wish('hr:2')
  const report = await world.settle(await world.plan())
  expect(report.obligations.map(({ state }) => state)).toEqual(['settled', 'settled'])
})

test('without a hand-over no password is set', async () => {
  const world = new World()
  world.wish('hr:1')
  const report = await world.settle(await world.plan(), {
    deliveries: {
      prepare: () => Promise.reject(new KeyturnError('delivery-failed', 'the disk is full')),
      isFinished: async () => false,
    },
  })
  expect(report.obligations).toMatchObject([{ state: 'retry', error: { code: 'delivery-failed' } }])
  expect(world.platform.accounts.size).toBe(0)
})

test('a hand-over that could not be finished is replaced by a fresh password on the next try', async () => {
  const world = new World()
  world.wish('hr:1')
  const pointers = await world.plan()
  const broken = {
    prepare: async () => ({
      finish: () => Promise.reject(new KeyturnError('delivery-failed', 'the disk is gone')),
      discard: async () => undefined,
    }),
    isFinished: async () => false,
  }
  const report = await world.settle(pointers, { deliveries: broken })
  expect(report.obligations).toMatchObject([{ state: 'retry', error: { code: 'delivery-failed' } }])
  world.now += 60_000
  await world.settle(pointers)
  expect(world.accountOf('hr:1')).toMatchObject([{ password: world.handedOver.get('person1') }])
  expect(world.pointers()).toEqual([])
})

test('no password is in anything that the ledger, the audit or the log was given', async () => {
  const world = new World()
  const planted: string[] = []
  world.platform.hook = async () => {
    for (const account of world.platform.accounts.values()) planted.push(account.password)
  }
  world.platform.trouble = ({ kind }) =>
    kind === 'issue-credential'
      ? {
          result: 'retry',
          error: { code: 'unexpected', message: `refused: ${[...world.ports.scrambled.values()].join()}` },
        }
      : undefined
  world.wish('hr:1', { groups: ['staff'] })
  await world.quiesce()
  world.platform.proofGrade = 'not-proven'
  world.wish('hr:1', { state: 'shut' })
  await world.settle(await world.plan())
  world.wish('hr:1', { state: 'open' })
  await world.settle(await world.plan())
  const secrets = new Set([...planted, ...world.ports.scrambled.values(), ...world.handedOver.values()])
  const told = JSON.stringify([world.ledger.settlements, world.ledger.records, world.log])
  expect(secrets.size).toBeGreaterThan(1)
  expect(told).toContain('(new password)')
  expect([...secrets].filter((secret) => told.includes(secret))).toEqual([])
})

test('a ledger that cannot record steps does not keep a revocation from shutting and proving', async () => {
  const world = new World()
  world.wish('hr:1')
  await world.quiesce()
  world.ledger.stepsDone = () => Promise.reject(new KeyturnError('ledger-busy', 'the disk is slow'))
  world.wish('hr:1', { state: 'shut' })
  const report = await world.settle(await world.plan())
  expect(report.obligations).toMatchObject([{ state: 'settled', proof: { grade: 'refused' } }])
  expect(world.log.some((line) => line.startsWith('error a step of a revocation could not be recorded'))).toBe(true)
})
