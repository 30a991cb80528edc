import { describe, expect, it } from 'vitest'
import { memoryNeeded } from '../../../src/plan/index.ts'
import type { DesiredAccount } from '../../../src/model/account.ts'
import { account, linkOf, now, want } from './world.ts'

const complete = (accounts: readonly ReturnType<typeof account>[]) =>
  ({ complete: true, takenAt: now, items: accounts }) as const

describe('what the ledger is asked for before a plan', () => {
  const people: DesiredAccount[] = [want('ann', { gives: ['editors', 'readers'] })]

  it('is nothing about people who have no more than they should', () => {
    const observed = complete([account('ann', { entitlements: ['readers'] })])
    expect(memoryNeeded({ observed, links: [linkOf('ann')] }, people)).toEqual({ grantsOf: [], names: false })
  })

  it('is whether a membership is ours, of those who have one that nobody gives them', () => {
    const observed = complete([account('ann', { entitlements: ['readers', 'admins'] })])
    expect(memoryNeeded({ observed, links: [linkOf('ann')] }, people)).toEqual({ grantsOf: ['hr:ann'], names: false })
  })

  it('is also who has which name, where somebody has no account or lost the one that was linked', () => {
    const observed = complete([account('ann')])
    const links = [linkOf('ann'), linkOf('ben')]
    expect(memoryNeeded({ observed, links }, [want('ann'), want('ben'), want('cid')])).toEqual({
      grantsOf: ['hr:ben', 'hr:cid'],
      names: true,
    })
  })
})
