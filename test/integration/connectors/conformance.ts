import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Connector } from '../../../src/model/connector.ts'
import { groups } from './conformance/groups.ts'
import { TestContext } from './conformance/harness.ts'
import type { Bench, Check, Harness } from './conformance/harness.ts'
import { opening } from './conformance/opening.ts'
import { reading } from './conformance/reading.ts'
import { shutting } from './conformance/shutting.ts'
import { writing } from './conformance/writing.ts'

export type { Fault, Harness } from './conformance/harness.ts'

/** Everything that a connector must keep to, by what it says; each throws where it is broken. */
export const checks: Readonly<Record<string, Check>> = { ...reading, ...writing, ...groups, ...shutting, ...opening }

/** Runs one check on a fresh connector. */
export async function runCheck(harness: Harness, name: string): Promise<void> {
  const check = checks[name]
  if (check === undefined) throw new Error(`there is no check "${name}"`)
  await using connector: Connector = await harness.connect()
  const context = new TestContext()
  const bench: Bench = { harness, connector, context, signal: context.signal }
  await check(bench)
}

/** The suite that every connector passes: five lines in a test file. */
export function conformance(name: string, setup: () => Promise<Harness>): void {
  describe(`${name} keeps to what every connector must:`, () => {
    let harness: Harness
    beforeAll(async () => {
      harness = await setup()
    })
    afterAll(async () => {
      await harness?.[Symbol.asyncDispose]()
    })
    test.each(Object.keys(checks))('%s', (check) => runCheck(harness, check))
  })
}
