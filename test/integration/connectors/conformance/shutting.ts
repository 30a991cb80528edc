import { expect } from 'vitest'
import { Person, TestContext, createAll, createOne, only, passwordOf, readOne, results } from './harness.ts'
import type { Bench, Check } from './harness.ts'

async function expectShut(bench: Bench, person: Person): Promise<void> {
  const { harness, connector, context } = bench
  const account = await readOne(bench, person)
  expect(account).toMatchObject({ enabled: false })
  expect(await harness.signIn(account.address, passwordOf(bench, person))).toBe(false)
  expect(await harness.signIn(account.address, context.scrambles.get(person.identity) ?? '')).toBe(false)
  const proof = await connector.prove(account, context)
  expect(proof).toMatchObject({ grade: harness.bestProof, text: expect.stringMatching(/\w{3}/) as string })
}

function stepsOf({ context }: Bench, { identity }: Person): readonly string[] {
  return (context.steps.get(identity) ?? []).map(({ step }) => step)
}

/** What every connector must keep to when it shuts an account, and when it opens one again. */
export const shutting: Readonly<Record<string, Check>> = {
  'suspending sets, a hundred times over, and enabling gives the old password back': async (bench) => {
    const ann = await createOne(bench, 'susann')
    expect(await results(bench, [ann.disable('suspend')])).toEqual(['done'])
    for (let n = 0; n < 99; n++) expect((await only(bench, ann.disable('suspend'))).result).toMatch(/^(done|already)$/)
    expect(await bench.harness.signIn(ann.address, passwordOf(bench, ann))).toBe(false)
    expect(await readOne(bench, ann)).toMatchObject({ enabled: false })
    expect(await results(bench, [ann.simple('enable')])).toEqual(['done'])
    expect(await bench.harness.signIn(ann.address, passwordOf(bench, ann))).toBe(true)
    expect(await results(bench, [ann.simple('enable')])).toEqual(['already'])
  },

  'a leaver is shut, nobody knows the password, and it is proven; twice': async (bench) => {
    const ann = await createOne(bench, 'leaveann')
    const outcome = await only(bench, ann.disable('leaver'))
    expect(outcome.result).toBe('done')
    expect(outcome.residual?.length).toBeGreaterThan(0)
    await expectShut(bench, ann)
    expect((await only(bench, ann.disable('leaver'))).result).toMatch(/^(done|already)$/)
    await expectShut(bench, ann)
    expect(stepsOf(bench, ann)).toEqual(expect.arrayContaining(['disable', 'scramble']))
  },

  'the old password stays dead even when another hand opens the account': async (bench) => {
    const ann = await createOne(bench, 'deadann')
    await only(bench, ann.disable('leaver'))
    expect(await results(bench, [ann.simple('enable')])).toEqual(['done'])
    expect(await bench.harness.signIn(ann.address, passwordOf(bench, ann))).toBe(false)
    expect(await results(bench, [ann.issue()])).toEqual(['done'])
    expect(await bench.harness.signIn(ann.address, passwordOf(bench, ann))).toBe(true)
  },

  'a leaver whose run dies before any step is recorded is finished by the next run': async (bench) => {
    const first = await createOne(bench, 'dieann')
    await only(bench, first.disable('leaver'))
    const steps = [...new Set(stepsOf(bench, first))]
    for (const [index, step] of steps.entries()) {
      const person = await createOne(bench, `die${index}`)
      bench.context.dieAt = step
      const died = await only(bench, person.disable('leaver'))
      bench.context.dieAt = null
      expect(died.result).toBe('retry')
      // The process is gone: what it had in memory, too. What it had recorded is still there.
      const next = new TestContext()
      next.steps.set(person.identity, bench.context.steps.get(person.identity) ?? [])
      next.initial.set(person.identity, passwordOf(bench, person))
      await using connector = await bench.harness.connect()
      const later = { ...bench, connector, context: next }
      expect((await only(later, person.disable('leaver'))).result).toMatch(/^(done|already)$/)
      await expectShut(later, person)
    }
  },

  'of many leavers the accounts are shut first, and the protocol goes on from there': async (bench) => {
    const { connector, context } = bench
    if (connector.shut === undefined) return
    const people = await createAll(bench, ['manyann', 'manybob', 'manycyd'])
    const gone = new Person('nobody')
    gone.nativeId = people[0]?.nativeId.replaceAll(/[0-9a-f]/g, '0') ?? ''
    const changes = [...people, gone].map((person) => person.disable('leaver'))
    expect(await connector.shut(changes, context)).toEqual([true, true, true, false])
    for (const person of people) {
      expect(await readOne(bench, person)).toMatchObject({ enabled: false })
      expect(await bench.harness.signIn(person.address, passwordOf(bench, person))).toBe(false)
      expect(stepsOf(bench, person)).toEqual(['disable'])
    }
    expect(await results(bench, changes.slice(0, 3))).toEqual(['done', 'done', 'done'])
    for (const person of people) {
      await expectShut(bench, person)
      expect(stepsOf(bench, person).filter((step) => step === 'disable')).toHaveLength(1)
      expect(stepsOf(bench, person)).toContain('scramble')
    }
  },

  'a password that was set between two runs does not outlive the second': async (bench) => {
    const { connector, context, harness } = bench
    if (connector.shut === undefined) return
    const ann = await createOne(bench, 'twiceann')
    expect(await connector.shut([ann.disable('leaver')], context)).toEqual([true])
    expect(await results(bench, [ann.issue()])).toEqual(['done'])
    expect(await connector.shut([ann.disable('leaver')], context)).toEqual([true])
    expect(await results(bench, [ann.disable('leaver')])).toEqual(['done'])
    expect(await results(bench, [ann.simple('enable')])).toEqual(['done'])
    expect(await harness.signIn(ann.address, passwordOf(bench, ann))).toBe(false)
  },

  'an account that is open is not proven shut': async (bench) => {
    const ann = await createOne(bench, 'openann')
    expect(await bench.connector.prove(await readOne(bench, ann), bench.context)).toMatchObject({ grade: 'not-proven' })
  },

  'credentials that outlive a disable are gone': async (bench) => {
    const { credentials } = bench.harness
    if (credentials === undefined) return
    const ann = await createOne(bench, 'keyann')
    await credentials.plant(ann.address)
    expect(await credentials.count(ann.address)).toBeGreaterThan(0)
    expect(await results(bench, [ann.disable('leaver')])).toEqual(['done'])
    expect(await credentials.count(ann.address)).toBe(0)
  },

  'a server that cannot be reached is to be tried again, and nothing is thrown': async (bench) => {
    const ann = await createOne(bench, 'downann')
    await using down = await bench.harness.connect('down')
    const outcomes = await down.apply([ann.disable('leaver'), ann.update('title', ['Engineer'], ['X'])], bench.context)
    expect(outcomes).toMatchObject([{ result: 'retry' }, { result: 'retry' }])
    expect(outcomes[0]?.error?.code).toBe('platform-unreachable')
    expect((await down.shut?.([ann.disable('leaver')], bench.context)) ?? [false]).toEqual([false])
  },

  'a deleted account is gone, and deleting it again is no error': async (bench) => {
    const ann = await createOne(bench, 'delann')
    expect(await results(bench, [ann.simple('delete')])).toEqual(['done'])
    const snapshot = await bench.connector.read([{ nativeId: ann.nativeId }], bench.signal)
    expect(snapshot).toMatchObject({ complete: true, items: [] })
    expect(await results(bench, [ann.simple('delete')])).toEqual(['already'])
  },
}
