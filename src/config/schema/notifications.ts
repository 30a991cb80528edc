import { z } from 'zod'
import { isMailbox } from '../mailbox.ts'
import { choice, durationFrom, list, secretReference, text, whole } from './leaves.ts'

const mailbox = (allowed: string) => z.string({ error: allowed }).refine(isMailbox, { error: allowed })

const mail = z.strictObject({
  host: text('the name of a mail server')
    .regex(/^[^\s/@]+$/, { error: 'the name of a mail server, without a scheme' })
    .describe('The mail server.'),
  port: whole(1, 65_535).optional().describe('Default: 465 with tls, 587 with starttls, 25 with none.'),
  security: choice('tls', 'starttls', 'none')
    .default('starttls')
    .describe('tls: from the first byte. starttls: demanded before anything is said. none: only to this machine.'),
  ca: text('the path of a PEM file').optional().describe('Certificates to trust besides the usual ones (PEM).'),
  user: text('the name to sign in with').optional().describe('Where the server asks for a sign-in.'),
  password: secretReference().optional().describe('env:NAME or file:PATH, read at the moment of use.'),
  from: mailbox('one mail address such as keyturn@corp.example or "Keyturn <keyturn@corp.example>"').describe(
    'The sender.',
  ),
  to: list(mailbox('a mail address such as it-oncall@corp.example'))
    .min(1, { error: 'a list with at least one mail address' })
    .describe('Who gets the messages.'),
})

const webhook = z.strictObject({
  url: text('https://…, env:NAME or file:PATH').describe(
    'The address; for slack and teams a reference to it, env:NAME or file:PATH, because whoever knows it may write there.',
  ),
  shape: choice('keyturn', 'slack', 'teams').default('keyturn').describe('What the message looks like.'),
  secret: secretReference()
    .optional()
    .describe('Signs each message (HMAC-SHA256), so that the receiver can tell that it comes from Keyturn.'),
})

export const notifications = z
  .strictObject({
    gather: durationFrom('0s', '1d')
      .default('10s')
      .describe('How long news are gathered into one message, so that a bad night is not a thousand.'),
    mail: z
      .union([z.literal('off'), mail])
      .default('off')
      .describe('By mail. Default: off.'),
    webhooks: list(webhook).default([]).describe('By a request to each of these addresses.'),
  })
  .prefault({})
  .describe('Who is told when something needs a person. The log always is.')
