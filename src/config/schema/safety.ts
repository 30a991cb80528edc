import { z } from 'zod'
import { choice, duration, id, list, named, percentage, text, whole } from './leaves.ts'

const max = () => percentage().describe('Largest share of the linked accounts of people.')
const above = () => whole(0, 100_000_000).describe('Up to this many are always allowed.')
const within = () =>
  duration().describe('What earlier plans took away within this time counts too. 0s: each plan by itself.')

const stated = z.strictObject({ max: max(), above: above() })

const perPlatform = z.strictObject({
  removals: stated.extend({ within: within().optional() }).optional().describe('Replaces safety.limits.removals here.'),
  creations: stated.optional().describe('Replaces safety.limits.creations here.'),
  updates: stated.optional().describe('Replaces safety.limits.updates here.'),
})

export const safety = z
  .strictObject({
    protected: list(text('a pattern over account names and DNs such as svc-*'))
      .default([])
      .describe('Accounts that Keyturn never changes: patterns over names and DNs, * stands for anything.'),
    limits: z
      .strictObject({
        removals: z
          .strictObject({ max: max().default('10%'), above: above().default(20), within: within().default('1h') })
          .prefault({})
          .describe('Disabling, stripping and revoking.'),
        creations: stated.optional().describe('New accounts. Default: no limit.'),
        updates: stated.optional().describe('Attributes, names and containers. Default: no limit.'),
      })
      .prefault({})
      .describe('How much may be done on one platform. Nothing is written when a limit is crossed.'),
    platforms: named(id(), perPlatform).default({}).describe('Other limits for single platforms.'),
    privileged: choice('hold', 'allow')
      .default('hold')
      .describe('hold: the grant of a privileged entitlement waits for a person.'),
  })
  .prefault({})
  .describe('What keeps a mistake small.')
