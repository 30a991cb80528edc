import { expect, test } from 'vitest'
import { revokeNow } from '../../../src/apply/revoke-now.ts'
import { openStandby } from '../../../src/apply/standby-ledger.ts'
import { settle } from '../../../src/apply/settle.ts'
import { KeyturnError } from '../../../src/model/errors.ts'
import { memorySpool } from './memory-spool.ts'
import { World } from './world.ts'

/** A spool, and what it was told: what was done, and who was shut. */
function readableSpool() {
  const { spool, entries } = memorySpool()
  const actions = () => entries.flatMap((one) => ('audit' in one ? [`${one.audit.action} ${one.audit.result}`] : []))
  const shut = () => entries.flatMap((one) => ('shut' in one ? [one.shut] : []))
  return { spool, actions, shut }
}

/** Somebody works here, and the disk of the ledger is full from now on. */
async function fullDisk(world: World) {
  world.wish('hr:1', { groups: ['staff'] })
  await world.quiesce()
  world.platform.events.length = 0
  const refuse = () => Promise.reject(new KeyturnError('ledger-unavailable', 'the disk is full'))
  return () => Object.assign(world.ledger, { claim: refuse, settle: refuse, stepsDone: refuse, audit: refuse })
}

test('with a ledger that cannot be written a leaver is shut, scrambled and proven, and the spool has the record', async () => {
  const world = new World()
  const fill = await fullDisk(world)
  world.wish('hr:1', { state: 'shut' })
  const pointers = await world.plan()
  fill()
  const { spool, actions, shut } = readableSpool()
  const report = await settle(pointers, { ...world.ports, ledger: openStandby(world.ledger, spool) })
  expect(report.obligations).toMatchObject([{ identity: 'hr:1', proof: { grade: 'refused' } }])
  expect(world.platform.events).toEqual(['disable n1', 'scramble n1'])
  expect(actions()).toEqual(['step done', 'step done', 'step done', 'disable done', 'proof refused'])
  expect(shut()).toEqual([{ identity: 'hr:1', platform: 'corp', nativeId: 'n1' }])
  // It stays owed where it stands.
  expect(world.ledger.owed()).toEqual(['hr:1'])
})

test('an account that another hand had shut is not in the spool as shut by us', async () => {
  const world = new World()
  const fill = await fullDisk(world)
  for (const account of world.accountOf('hr:1')) account.enabled = false
  world.wish('hr:1', { state: 'shut' })
  const pointers = await world.plan()
  fill()
  const { spool, shut } = readableSpool()
  await settle(pointers, { ...world.ports, ledger: openStandby(world.ledger, spool) })
  expect(shut()).toEqual([])
})

test('nothing but disabling is done without the ledger', async () => {
  const world = new World()
  const fill = await fullDisk(world)
  world.wish('hr:1', { title: 'Chief', groups: ['board'] })
  world.wish('hr:2')
  const pointers = await world.plan()
  fill()
  const standby = openStandby(world.ledger, memorySpool().spool)
  const asRevocations = pointers.map((pointer) => ({ ...pointer, lane: 'revoke' }) as const)
  for (const row of world.ledger.rows.values()) row.lane = 'revoke'
  await settle([...pointers, ...asRevocations], { ...world.ports, ledger: standby })
  expect(world.platform.events).toEqual([])
})

test('a leaver who could not even be admitted is shut from the plan alone, and twice does no harm', async () => {
  const world = new World()
  const fill = await fullDisk(world)
  fill()
  world.wish('hr:1', { state: 'shut' })
  const changes = world.needed(await world.observe(), ['hr:1']).get('hr:1') ?? []
  // The ledger still believes that this person works here.
  world.wish('hr:1', { state: 'open' })
  const { spool, actions, shut } = readableSpool()
  const standby = openStandby(world.ledger, spool)
  const asked = { correlation: 'story-2', operator: 'ada', effectiveAt: new Map() }
  const first = await revokeNow(changes, asked, standby, world.ports)
  expect(first).toMatchObject([{ identity: 'hr:1', state: 'settled', proof: { grade: 'refused' } }])
  expect(world.accountOf('hr:1')).toMatchObject([{ enabled: false, entitlements: new Set(['staff']) }])
  const second = await revokeNow(changes, asked, standby, world.ports)
  expect(second).toMatchObject([{ state: 'settled', proof: { grade: 'refused' } }])
  expect(shut()).toHaveLength(1)
  expect(actions().filter((one) => one === 'disable done')).toHaveLength(2)
})

test('a platform that is away while the ledger cannot be written: the next call goes on where the first one ended', async () => {
  const world = new World()
  const fill = await fullDisk(world)
  world.wish('hr:1', { state: 'shut' })
  const pointers = await world.plan()
  fill()
  const standby = openStandby(world.ledger, memorySpool().spool)
  world.platform.hook = async (what) => {
    if (what.startsWith('scramble')) throw new KeyturnError('platform-unreachable', 'connection reset')
  }
  const first = await settle(pointers, { ...world.ports, ledger: standby })
  expect(first.obligations).toMatchObject([{ state: 'retry', error: { code: 'platform-unreachable' } }])
  world.platform.hook = async () => undefined
  const second = await settle(pointers, { ...world.ports, ledger: standby })
  expect(second.obligations).toMatchObject([{ state: 'settled', proof: { grade: 'refused' } }])
  expect(world.platform.events).toEqual(['disable n1', 'scramble n1'])
})
