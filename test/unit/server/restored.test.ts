import { expect, test } from 'vitest'
import type { LastChange } from '../../../src/model/connector.ts'
import { KeyturnError } from '../../../src/model/errors.ts'
import { HOUR } from '../../../src/model/instant.ts'
import type { Keyturn } from '../../../src/server/context.ts'
import { reconciling, withEvidence } from '../../../src/server/restored.ts'
import { now, suspended, World } from '../plan/world.ts'

const own = 'cn=keyturn,ou=services'
const backup = now - HOUR

/** What the platform says of each account, by its name; null: nothing, an error: it cannot be asked. */
async function evidence(
  said: Readonly<Record<string, Partial<LastChange> | null | Error>>,
  knownUntil: number | null,
  steps: readonly object[] = [],
) {
  const world = new World()
  world.ownAddress = own
  for (const key of Object.keys(said)) world.has(key, { enabled: false })
  const lastChange = (nativeId: string) => {
    const one = said[nativeId.slice('id-'.length)]
    if (one instanceof Error) return Promise.reject(one)
    return Promise.resolve(one === null ? null : { by: null, at: null, source: 'modifiersName', ...one })
  }
  const logger = { debug: () => undefined }
  const ledger = { auditSince: async () => steps }
  const connectors = new Map([['wiki', { id: 'wiki', lastChange }]])
  const keyturn = { connectors, logger, ledger } as unknown as Keyturn
  const people = Object.keys(said).map((key) => suspended(key))
  const restored = { at: now, knownUntil }
  const view = await withEvidence(keyturn, world.view(), people, restored, new AbortController().signal)
  const { untouched, ours } = view.restored?.evidence ?? { untouched: new Set(), ours: new Set() }
  return { untouched: [...untouched].toSorted(), ours: [...ours].toSorted() }
}

test('what was not changed since the backup is untouched; what Keyturn changed last after it is ours; near the backup nobody knows', async () => {
  const said = {
    before: { by: own, at: backup - HOUR },
    shortlyBefore: { by: own, at: backup - 1_000 },
    shortlyAfter: { by: own, at: backup + 1_000 },
    after: { by: 'CN=Keyturn, OU=services', at: now },
    security: { by: 'cn=security', at: now },
    nobody: { by: null, at: now },
    timeless: { by: own },
    unknown: null,
    broken: new KeyturnError('no-rights', 'it may not be asked'),
  }
  expect(await evidence(said, backup)).toEqual({ untouched: ['id-before'], ours: ['id-after'] })
})

test('whom the restored ledger itself has shut since is as it remembers, whatever the platform says', async () => {
  const said = { ann: { by: own, at: now }, bob: { by: own, at: now }, cleo: { by: own, at: now } }
  const step = { identity: 'hr:ann', platform: 'wiki', action: 'step', after: 'begun' }
  const steps = [
    step,
    { ...step, identity: 'hr:bob', after: 'scrambled' },
    { ...step, identity: 'hr:cleo', platform: 'ad' },
  ]
  expect(await evidence(said, backup, steps)).toEqual({ untouched: ['id-ann'], ours: ['id-bob', 'id-cleo'] })
})

test('of a new ledger there was no backup: nothing is evidence', async () => {
  const said = { ann: { by: own, at: now }, bob: { by: own, at: backup } }
  expect(await evidence(said, null)).toEqual({ untouched: [], ours: [] })
})

test('a plan reconciles a restored ledger only where every platform was read', () => {
  const keyturn = { settings: { sources: { hr: {}, agency: {} } } } as unknown as Keyturn
  const restored = { at: now, knownUntil: null }
  expect(reconciling(keyturn, restored, [])).toEqual({ reconciles: { restoredAt: now, sources: ['hr', 'agency'] } })
  expect(reconciling(keyturn, restored, ['wiki'])).toEqual({})
  expect(reconciling(keyturn, null, [])).toEqual({})
})
