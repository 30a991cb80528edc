import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Suspects } from '../../../../src/server/daemon/suspects.ts'

function suspects() {
  const asked: { readonly platform: string; answer(): void; fail(): void }[] = []
  const stop = new AbortController()
  const probe = (platform: string) =>
    new Promise<void>((resolve, reject) => {
      asked.push({ platform, answer: () => resolve(), fail: () => reject(new Error('no answer')) })
    })
  const rests: (() => void)[] = []
  const rest = () => new Promise<void>((resolve) => rests.push(resolve))
  return { asked, rests, stop, suspects: new Suspects(probe, stop.signal, rest) }
}

describe('platforms that did not answer in time', () => {
  it('are suspected until they answer, and are asked by one question at a time', async () => {
    const { asked, suspects: some } = suspects()
    some.add(['corp', 'wiki'])
    some.add(['corp'])
    expect([...some.names]).toEqual(['corp', 'wiki'])
    expect(asked.map(({ platform }) => platform)).toEqual(['corp', 'wiki'])
    asked[0]?.answer()
    await setImmediate()
    expect([...some.names]).toEqual(['wiki'])
  })

  it('are asked again after a failure, and not at once', async () => {
    const { asked, rests, suspects: some } = suspects()
    some.add(['corp'])
    asked[0]?.fail()
    await setImmediate()
    expect([...some.names]).toEqual(['corp'])
    expect(asked).toHaveLength(1)
    rests[0]?.()
    await setImmediate()
    expect(asked).toHaveLength(2)
    asked[1]?.answer()
    await setImmediate()
    expect([...some.names]).toEqual([])
  })

  it('are not asked any more when the daemon ends', async () => {
    const { asked, rests, stop, suspects: some } = suspects()
    some.add(['corp'])
    stop.abort()
    asked[0]?.fail()
    await setImmediate()
    rests[0]?.()
    await setImmediate()
    expect(asked).toHaveLength(1)
  })
})
