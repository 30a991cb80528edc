// A process of its own that works on a ledger until nothing is owed: node hammer.ts URL NAME. Says `won NAME` for every
// contested name that it got. One called `stuck` settles once, claims again, says `holding N`, and does nothing more.
import { setTimeout } from 'node:timers/promises'
import { openLedger } from '../../../src/ledger/index.ts'
import { KeyturnError } from '../../../src/model/errors.ts'
import type { ClaimedObligation, Ledger } from '../../../src/model/ledger.ts'
import * as s from './samples.ts'

const [url = '', worker = ''] = process.argv.slice(2)
const lease = 1_500
let chunks = 0
await using ledger = await openLedger(url)
await contend(ledger)
for (;;) {
  const open = await ledger.obligations({ open: true })
  if (open.length === 0) break
  const due = await ledger.due(s.platform, 'change', Date.now(), 20)
  const claimed = await ledger.claim(due, worker, lease, Date.now())
  if (claimed.length === 0) await setTimeout(20)
  else await workOn(ledger, claimed)
}

/** Every process wants each of these names for a person of its own; one gets it. */
async function contend(ledger: Ledger): Promise<void> {
  for (let n = 0; n < 10; n++) {
    try {
      await ledger.admit(s.admission([s.create(`${worker}-${n}`, `contested-${n}`)]))
      console.log(`won contested-${n}`)
    } catch (error) {
      if (!(error instanceof KeyturnError) || error.code !== 'name-taken') throw error
    }
  }
}

async function workOn(ledger: Ledger, claimed: readonly ClaimedObligation[]): Promise<void> {
  const intents = claimed.map(({ identity, platform, token }) => ({
    identity,
    platform,
    token,
    kind: 'create' as const,
    target: identity,
  }))
  const current = await ledger.intend(intents, Date.now())
  const first = await ledger.allocate('number', claimed.length, 1)
  await setTimeout(Math.random() * 20)
  const settlements = claimed
    .filter(({ token }) => current.has(token))
    .map((obligation, index) =>
      s.settlement(obligation, 'done', {
        link: s.link(obligation.identity.slice('hr:'.length)),
        audit: [s.record(obligation.identity.slice('hr:'.length), { action: 'settled', after: String(first + index) })],
      }),
    )
  if (worker === 'stuck' && chunks++ > 0) {
    console.log(`holding ${claimed.length}`)
    await setTimeout(600_000)
  }
  await ledger.settle(settlements)
}
