import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { SettlePorts } from '../../../../src/apply/ports.ts'
import { KeyturnError } from '../../../../src/model/errors.ts'
import type { ClaimedObligation, ObligationPointer } from '../../../../src/model/ledger.ts'
import type { Keyturn } from '../../../../src/server/context.ts'
import { Rescue } from '../../../../src/server/daemon/rescue.ts'
import type { WorkView } from '../../../../src/server/worker.ts'
import { memorySpool } from '../../apply/memory-spool.ts'
import { World } from '../../apply/world.ts'

const patience = 5

/** Ann, who has an account and has left; what goes to the spool is kept in `noted`. */
async function leaving() {
  const world = new World()
  world.wish('hr:ann')
  await world.settle(await world.plan())
  world.wish('hr:ann', { state: 'shut' })
  const pointers = await world.plan()
  const { spool, entries: noted } = memorySpool()
  const { ledger } = world
  const methods = {
    claim: ledger.claim.bind(ledger),
    renew: ledger.renew.bind(ledger),
    release: ledger.release.bind(ledger),
    intend: ledger.intend.bind(ledger),
    stepsDone: ledger.stepsDone.bind(ledger),
    audit: ledger.audit.bind(ledger),
    settle: ledger.settle.bind(ledger),
    links: ledger.links.bind(ledger),
    adopt: ledger.adopt.bind(ledger),
    allocate: ledger.allocate.bind(ledger),
    lookAgain: ledger.lookAgain.bind(ledger),
  }
  /** What the ledger shows while it cannot be written: all that is owed. */
  const peek = async (asked: readonly ObligationPointer[]): Promise<readonly ClaimedObligation[]> => {
    const row = ledger.rows.get('hr:ann')
    if (row === undefined || asked.length === 0) return []
    const base = { identity: 'hr:ann', platform: 'corp', lane: row.lane, number: row.wanted, token: '', tries: 0 }
    const told = { admittedAt: world.now, effectiveAt: null, correlation: 'c', operator: 'o', planId: '' }
    return [{ ...base, ...told, changes: row.changes, stepsDone: [], openIntents: [] }]
  }
  const keyturn = {
    clock: () => world.now,
    logger: world.ports.logger,
    ledger: { ...methods, peek, tick: async () => true },
  } as unknown as Keyturn
  const open = (ports: Partial<SettlePorts>) => {
    const all = { ...world.ports, ledger: methods, ...ports } as unknown as SettlePorts<WorkView>
    const rescue = new Rescue(keyturn, { ports: () => all }, spool, patience)
    onTestFinished(() => rescue[Symbol.asyncDispose]())
    return rescue
  }
  return { world, pointers, noted, methods, open }
}

const never = <T>() => new Promise<T>(() => undefined)
const full = async () => {
  throw new KeyturnError('ledger-unavailable', 'The disk is full.')
}

test('a platform that answers slowly is no ledger that cannot be written: what comes of the work is told', async () => {
  const { world, pointers, noted, open } = await leaving()
  const observe = async () => {
    await sleep(patience * 6)
    return (await world.observe()) as WorkView
  }
  const rescue = open({ observe })
  const { obligations } = await rescue.settle(pointers)
  expect(obligations).toMatchObject([{ identity: 'hr:ann', state: 'settled' }])
  expect([rescue.trouble, noted]).toEqual([null, []])
})

test('while the ledger hangs before anything is claimed, the account is shut without it', async () => {
  const { world, pointers, noted, methods, open } = await leaving()
  const rescue = open({ ledger: { ...methods, claim: never } })
  const { obligations } = await rescue.settle(pointers)
  expect(obligations).toMatchObject([{ identity: 'hr:ann', state: 'settled' }])
  expect(world.accountOf('hr:ann')).toMatchObject([{ enabled: false }])
  expect([rescue.trouble !== null, rescue.spooled, noted.length > 0]).toEqual([true, 1, true])
  // The ledger shows it as owed all the while: it is not shut again and again for that.
  const soFar = noted.length
  expect(await rescue.settle(pointers)).toEqual({ obligations: [] })
  expect(noted).toHaveLength(soFar)
})

test('a ledger that hangs after the claim keeps no account open, and what was done is spooled', async () => {
  const { world, pointers, noted, methods, open } = await leaving()
  const rescue = open({ ledger: { ...methods, stepsDone: never, audit: never, settle: full } })
  const { obligations } = await rescue.settle(pointers)
  expect(obligations).toMatchObject([{ identity: 'hr:ann', state: 'settled' }])
  expect(world.accountOf('hr:ann')).toMatchObject([{ enabled: false }])
  expect(noted).toContainEqual({ audit: expect.objectContaining({ action: 'disable', result: 'done' }) })
  // In the ledger it is owed still: it is looked at again.
  expect(world.pointers()).toEqual(pointers)
})

test('another mistake of the ledger is nothing that a spool could help with', async () => {
  const { pointers, methods, open } = await leaving()
  const settle = async () => {
    throw new Error('a mistake')
  }
  await expect(open({ ledger: { ...methods, settle } }).settle(pointers)).rejects.toThrow('a mistake')
})
