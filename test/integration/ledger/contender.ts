// A process of its own that wants what every other one wants at the same time: node contender.ts URL NAME. Says `fired N` for
// a tick that it got, `begun TEXT` and `over TEXT` for what it was told of notices, where each beginning has its own text.
import { openLedger } from '../../../src/ledger/index.ts'
import type { Notice } from '../../../src/model/running.ts'
import * as s from './samples.ts'

const [url = '', name = ''] = process.argv.slice(2)
await using ledger = await openLedger(url)
for (let n = 0; n < 40; n++) {
  if (await ledger.tick('hr', s.now + n, s.now)) console.log(`fired ${n}`)
  const { begun, over } = await ledger.noticed(n % 2 === 0 ? [notice(n)] : [], s.now)
  for (const { text } of begun) console.log(`begun ${text}`)
  for (const { text } of over) console.log(`over ${text}`)
  if (n % 4 === 0) await ledger.override(word(n), `c-${name}`)
}

function notice(n: number): Notice {
  const what = { kind: 'platform-down', severity: 'page', platform: 'corp-ad', identity: null } as const
  return { ...what, key: 'platform-down:corp-ad', text: `${name}-${n}` }
}

function word(n: number) {
  const who = { identity: 'hr:p1', operator: name, reason: `try ${n}`, madeAt: s.now + n }
  return { ...who, kind: 'freeze', state: null, emergency: false, until: null } as const
}
