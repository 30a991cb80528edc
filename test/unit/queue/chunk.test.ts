import { describe, expect, it } from 'vitest'
import { chunkSize } from '../../../src/queue/chunk.ts'

describe('how many people one job is for', () => {
  it('is one for a revocation where a few leave', () => {
    expect(chunkSize('revoke', 1, Infinity)).toBe(1)
    expect(chunkSize('revoke', 15, Infinity)).toBe(1)
  })

  it('is some where hundreds leave at once, so that the last of them does not wait for each of the others', () => {
    expect(chunkSize('revoke', 320, Infinity)).toBe(40)
    expect(chunkSize('revoke', 10_000, Infinity)).toBe(512)
  })

  it('is 64 for changes of every day', () => {
    expect(chunkSize('change', 1, Infinity)).toBe(64)
    expect(chunkSize('change', 1_000, Infinity)).toBe(64)
  })

  it('grows with a large backlog while there are jobs enough for all workers', () => {
    expect(chunkSize('change', 2_400, Infinity)).toBe(150)
  })

  it('stays bounded, so that nobody waits long for the end of the job that has claimed them', () => {
    expect(chunkSize('change', 1_000_000, Infinity)).toBe(256)
  })

  it("is no more than one second's worth of the platform's rate, and never none", () => {
    expect(chunkSize('change', 10_000, 37)).toBe(37)
    expect(chunkSize('change', 10_000, 0)).toBe(1)
  })
})
