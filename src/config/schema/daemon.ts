import { z } from 'zod'
import { isListen } from '../listen.ts'
import { duration, durationFrom, flag, whole } from './leaves.ts'

const listenWords = 'HOST:PORT such as 127.0.0.1:9464 or [::1]:9464, or off'

export const daemon = z
  .strictObject({
    listen: z
      .string({ error: listenWords })
      .refine((text) => text === 'off' || isListen(text), { error: listenWords })
      .default('127.0.0.1:9464')
      .describe('Where /healthz, /readyz and /metrics answer: HOST:PORT, or off.'),
    'full-pass': durationFrom('1m', '7d')
      .default('1h')
      .describe('How often everybody and every platform is looked at, whatever was noticed.'),
    offboards: z
      .strictObject({
        most: whole(1, 100_000).default(20).describe('How many emergency offboardings one operator may begin.'),
        within: duration().default('1h').describe('The time in which they are counted.'),
      })
      .prefault({})
      .describe('A brake on the one command that passes every limit.'),
    tracing: flag().default(false).describe('Traces of the queue through OpenTelemetry.'),
  })
  .prefault({})
  .describe('How "keyturn run" works.')
