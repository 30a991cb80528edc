import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
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
  let back = 0
  const onBack = () => void (back += 1)
  return { asked, rests, stop, back: () => back, suspects: new Suspects(probe, stop.signal, onBack, rest) }
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

  it('are told when they are back after a while; one that answers at once and is suspected again is not told each time', async () => {
    using clock = vi.spyOn(performance, 'now').mockReturnValue(0)
    const { asked, back, suspects: some } = suspects()
    some.add(['corp', 'wiki'])
    asked[0]?.answer()
    await setImmediate()
    expect(back()).toBe(0)
    clock.mockReturnValue(1_000)
    asked[1]?.answer()
    await setImmediate()
    expect(back()).toBe(1)
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
