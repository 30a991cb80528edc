// What HR or an operator says while a platform stands still comes before what was said earlier and has not been done.
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startSlapd } from '../servers/slapd.ts'
import { Company, expectExit } from './keyturn.ts'
import { left, staff } from './settings.ts'
import { auditOf, running } from './truth.ts'

/** `moved`: it was owed, and not needed any more when it was looked at. */
function isShutting({ action, result }: { readonly action: string; readonly result: string }): boolean {
  return action === 'step' || (action === 'disable' && result !== 'moved')
}

test('who is corrected, kept by an override, or whose release is rejected while the directory stands still, is never shut', async () => {
  await using server = await startSlapd({ ppolicy: 'lockout' })
  await using company = await Company.found(server, {
    config: {
      daemon: { listen: 'off' },
      sources: { hr: { contract: { rows: { 'max-change': '100%' } } } },
      safety: { limits: { removals: { max: '10%', above: 3, within: '0s' } } },
    },
  })
  const people = staff(12)
  await using daemon = await running(company, people)
  // Five at once are held.
  const held = left(people, ['E5', 'E6', 'E7', 'E8', 'E9'])
  await company.feed(held)
  await daemon.until('they are held', async () => (await company.json('holds')).code === 2)
  server.freeze()
  const holds = (await company.json('holds')).document as unknown as { holds: readonly { id: number }[] }
  const id = String(holds.holds[0]?.id)
  expectExit(await company.keyturn('holds', 'approve', id, '--reason', 'seen', '--person', 'E5', 'E6'), 0)
  expectExit(await company.keyturn('holds', 'reject', id, '--reason', 'a mistake', '--person', 'E6'), 0)
  await company.feed(left(held, ['E1', 'E2']))
  await daemon.says('noticed', { from: daemon.log.length })
  await pause(1_000)
  await company.feed(left(held, ['E2']))
  expectExit(await company.keyturn('override', 'E2', '--state', 'active', '--reason', 'HR is wrong'), 0)
  await pause(1_000)
  server.thaw()
  await daemon.until('who is to be shut is shut', () => company.isLocked('E5'))
  await daemon.until('nothing is marked or owed', async () => {
    const { lanes, marked } = (await company.json('status', '--offline')).document as unknown as {
      lanes: readonly { owed: number; waiting: number }[]
      marked?: number
    }
    return lanes.every(({ owed, waiting }) => owed + waiting === 0) && (marked ?? 0) === 0
  })
  for (const spared of ['E1', 'E2', 'E6']) {
    expect(await company.isLocked(spared)).toBe(false)
    expect((await auditOf(company, spared)).filter(isShutting)).toEqual([])
  }
})
