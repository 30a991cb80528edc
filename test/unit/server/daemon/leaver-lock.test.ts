import { expect, onTestFinished, test } from 'vitest'
import type { Connector } from '../../../../src/model/connector.ts'
import type { IdentityId } from '../../../../src/model/identity.ts'
import { HOUR } from '../../../../src/model/instant.ts'
import type { ObligationPointer } from '../../../../src/model/ledger.ts'
import type { Keyturn } from '../../../../src/server/context.ts'
import { openLeaverLock } from '../../../../src/server/daemon/leaver-lock.ts'
import { account } from '../../plan/world.ts'

const now = Date.UTC(2031, 4, 5, 6, 7, 8)
const everybody = ['hr:1', 'hr:2', 'hr:3', 'hr:4']

/** Everybody has left, and everybody's account is open; whom the first look finds. */
function found(owed: readonly ObligationPointer[], marks: readonly { identity: IdentityId; since: number }[]) {
  const { promise, resolve } = Promise.withResolvers<readonly IdentityId[]>()
  const connector = {
    id: 'ad',
    read: async () => ({
      complete: true,
      takenAt: now,
      items: everybody.map((identity) => account(identity, { nativeId: `n-${identity}`, enabled: true })),
    }),
  } as unknown as Connector
  const nobody = async () => []
  const quiet = () => undefined
  const keyturn = {
    clock: () => now,
    correlation: 'c',
    operator: 'keyturn',
    logger: { debug: quiet, info: quiet, change: quiet, warn: quiet, error: quiet },
    settings: { platforms: { ad: { leaver: { watch: 1 } } } },
    ledger: {
      leavers: async () => everybody.map((identity) => ({ identity, nativeId: `n-${identity}`, names: [] })),
      identitiesById: async () => everybody.map((id) => ({ id, state: 'left' })),
      overrides: nobody,
      markedOf: async () => marks,
      openRevocations: async () => owed,
      obligationsOf: async (pointers: readonly ObligationPointer[]) =>
        owed
          .filter((one) =>
            pointers.some(({ identity, platform }) => one.identity === identity && one.platform === platform),
          )
          .map((one) => ({ ...one, state: 'owed', admittedAt: now })),
      lookAgain: async (identities: readonly IdentityId[]) => resolve(identities),
      audit: async () => undefined,
    },
  } as unknown as Keyturn
  const lock = openLeaverLock(keyturn, {
    connectors: new Map([['ad', connector]]),
    down: () => new Set(),
    onReopened: quiet,
  })
  onTestFinished(() => lock[Symbol.asyncDispose]())
  return promise
}

test('who is being shut here, or was marked a moment ago, is no news; what is owed elsewhere hides nobody', async () => {
  const owed = [
    { identity: 'hr:1', platform: 'wiki', lane: 'revoke' },
    { identity: 'hr:2', platform: 'ad', lane: 'revoke' },
  ] as const
  const marks = [
    // Since the wiki does not answer.
    { identity: 'hr:1', since: now - HOUR },
    { identity: 'hr:3', since: now - 1 },
  ]
  expect(await found(owed, marks)).toEqual(['hr:1', 'hr:4'])
})
