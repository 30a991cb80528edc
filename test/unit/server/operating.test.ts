import { expect, test } from 'vitest'
import type { Keyturn } from '../../../src/server/context.ts'
import { offboard } from '../../../src/server/operating.ts'
import { person } from '../policy/company.ts'

test('an offboarding that is stopped before its word is written says that nobody was offboarded', async () => {
  const keyturn = {
    ledger: { emergenciesBy: () => Promise.resolve(0) },
    settings: { daemon: { offboards: { most: 2, within: 1 } } },
    clock: () => 0,
    operator: 'ann',
  } as unknown as Keyturn
  const waiting = { signal: AbortSignal.abort(new Error('stopped by SIGINT')), patience: 1 }
  await expect(offboard(keyturn, person('7'), { reason: 'dismissed', until: null }, waiting)).rejects.toMatchObject({
    code: 'stopped',
    message: 'Nothing was done: hr:7 is NOT offboarded.',
  })
})
