import { describe, expect, test } from 'vitest'
import { checks, conformance, runCheck } from './conformance.ts'
import { memoryHarness } from './misbehaving.ts'
import type { Misbehaviour } from './misbehaving.ts'

conformance('A platform in memory', async () => memoryHarness(null))

/** Which checks a connector fails, each run on a fresh platform. */
async function failures(misbehaviour: Misbehaviour): Promise<string[]> {
  const failed: string[] = []
  for (const name of Object.keys(checks)) {
    await using harness = memoryHarness(misbehaviour)
    await runCheck(harness, name).catch(() => failed.push(name))
  }
  return failed
}

/** Each with words of the check that is there to notice it. */
const planted: Readonly<Record<Misbehaviour, string>> = {
  'toggles instead of setting': 'a hundred times over',
  'calls a cut read complete': 'connection is cut',
  'loses the last account of a bulk read': 'every account once',
  'finds everybody when a name holds an asterisk': 'only a character',
  'says done and does nothing': 'values are set',
  'forgets what an account is a member of': 'many grants',
  'fails the whole batch for one existing member': 'many grants',
  'calls an absent member a failure': 'many revocations',
  'takes strangers out of groups': 'strangers stay',
  'gives a renamed account another native id': 'keep the native id',
  'gives outcomes in another order': 'in the order of the changes',
  'throws for one bad item': 'disturbs nobody',
  'takes over an account of the same name': 'a second of that name',
  'overwrites what another hand has changed': 'is not overwritten',
  'lets one bad value keep the others back': 'does not keep the others back',
  'leaves the old password of a leaver alive': 'stays dead',
  'loses the password of a suspended account': 'gives the old password back',
  'proves what it has not tried': 'is not proven shut',
  'goes on after a step that was not recorded': 'dies before any step',
  'leaves keys behind': 'outlive a disable',
  'calls a wrong password a network problem': 'told apart',
  'opens an account when it gets a password': 'made shut stays shut',
  'ignores what another hand has disabled': 'another hand has disabled',
  'sets a reference to an account that is not there': 'a reference waits',
  'reports a deleted account as an error': 'deleting it again',
  'opens without asking': 'asks before it opens',
  'asks once for many': 'leaves out whom',
  'asks before it shuts, too': 'shuts without asking',
  'calls an account shut that it has not touched': 'shut first',
  'throws where it cannot shut': 'nothing is thrown',
}

describe('the suite notices a connector that', () => {
  test.each(Object.entries(planted) as [Misbehaviour, string][])('%s', async (misbehaviour, words) => {
    expect((await failures(misbehaviour)).filter((name) => name.includes(words))).toHaveLength(1)
  })
})
