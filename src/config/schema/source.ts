import { z } from 'zod'
import {
  choice,
  dateFormat,
  duration,
  durationFrom,
  expression,
  flag,
  growth,
  list,
  named,
  text,
  whole,
  zone,
} from './leaves.ts'

const column = () => text("a column's name as the feed's header has it").describe('Column of the feed, by its header.')

const attribute = z
  .strictObject({
    column: column().optional(),
    expr: expression()
      .optional()
      .describe('CEL expression over row (the columns), person (the other attributes) and key, instead of a column.'),
    trim: flag().default(false).describe('Take away white space around the value.'),
    reference: text('an attribute of the other person, or key')
      .optional()
      .describe('Makes it a reference to another person: the attribute (or key) of that person which the text names.'),
    unresolved: choice('keep', 'clear', 'hold')
      .optional()
      .describe(
        'When nobody fits the reference: keep the last one found (default), clear it, or hold the whole record.',
      ),
  })
  .describe('An attribute of people, from a column or an expression.')

const date = (at: string) =>
  z.strictObject({
    column: column(),
    date: dateFormat().describe(
      'How dates are written, in the letters of Unicode TR 35: yyyy, MM, M, dd, d, HH, mm, ss, XXX.',
    ),
    at: choice('start-of-day', 'end-of-day', 'exact')
      .optional()
      .describe(`Which moment of the day is meant; default ${at}, or exact where the format has a time.`),
    none: list(z.string({ error: 'text' }))
      .default([])
      .describe('Texts that mean "no date". An empty field always does.'),
  })

const states = choice('active', 'suspended', 'left', 'archived')

const state = z
  .strictObject({
    column: column(),
    values: named(z.string(), states).describe("The feed's words for a status, and what each means."),
    otherwise: choice('page', 'active', 'suspended', 'left')
      .default('page')
      .describe('What any other word means. page: the record is set aside and somebody is told.'),
  })
  .describe('The status of a person, as the feed says it.')

const identity = z
  .object({
    startsAt: date('start-of-day').optional().describe('When the employment begins.'),
    endsAt: date('end-of-day').optional().describe('When the employment ends.'),
    accessEndsAt: date('end-of-day')
      .optional()
      .describe('When access ends, where that is apart from the employment (garden leave).'),
    state,
    zone: z
      .strictObject({
        column: column(),
        values: named(z.string(), zone())
          .optional()
          .describe('Time zone for each text of the column; without it the column itself holds zone names.'),
      })
      .optional()
      .describe('Time zone of each record, where people of one feed work in several.'),
  })
  .catchall(attribute)
  .describe('Declares the attributes that expressions may use as person.NAME, and how the feed fills them.')

const contract = z
  .strictObject({
    required: list(column()).optional().describe('Columns without which the feed is refused. Default: key and state.'),
    rows: z
      .strictObject({
        min: whole(0, 100_000_000).default(1).describe('A feed with fewer rows is refused.'),
        max: whole(1, 100_000_000).optional().describe('A feed with more rows is refused.'),
        'max-change': growth()
          .default('10%')
          .describe(
            'A feed is refused when the number of active people differs by more from the last accepted read; more than 100% where many join at once.',
          ),
      })
      .prefault({})
      .describe('How many rows are plausible.'),
    'max-age': duration().optional().describe('A feed that was not written for longer is refused. Default: any age.'),
  })
  .prefault({})
  .describe('What the feed must fulfil; otherwise the whole read is refused and nothing changes.')

const csv = z
  .strictObject({
    delimiter: z
      .string({ error: 'one character' })
      .length(1, { error: 'one character' })
      .optional()
      .describe('Character between fields. Default: found by looking at the header.'),
    encoding: choice('utf-8', 'utf-16le', 'utf-16be', 'latin1')
      .optional()
      .describe('Default: by the byte-order mark, else UTF-8. Other encodings are never guessed.'),
    'final-newline': choice('required', 'optional')
      .default('required')
      .describe('required: a file whose last line has no line ending counts as cut off. optional: it may be whole.'),
  })
  .prefault({})
  .describe('How the file is written.')

export const source = z
  .strictObject({
    kind: choice('csv').describe('Kind of the source.'),
    path: text('the path of the file').describe('The file; relative to the folder of keyturn.yaml.'),
    every: durationFrom('1s', '7d')
      .default('1m')
      .describe('How often the daemon looks; it also looks when the file changes.'),
    key: text("a column's name").describe('Column with the immutable key of a person, such as the employee number.'),
    content: choice('full', 'delta').describe(
      'full: the file lists everybody, so absence means something. delta: only what changed; it never proves absence.',
    ),
    timezone: zone().optional().describe("Time zone of the feed's dates. Default: the organisation's."),
    csv,
    identity,
    contract,
    vanished: z
      .strictObject({
        after: duration().default('3d').describe('How long a record may be absent from complete reads.'),
        then: z
          .enum(['hold', 'keep', 'suspend'], { error: 'hold, keep or suspend: absence alone never ends an employment' })
          .default('hold')
          .describe('hold: ask a person. keep: do nothing. suspend: shut reversibly, within the limits. Never: left.'),
      })
      .prefault({})
      .describe('What happens when a record is no longer in the feed. Absence alone never ends an employment.'),
    settle: durationFrom('0s', '1h')
      .default('500ms')
      .describe(
        'How long a file that is written in place must be quiet before it is read; a renamed one is read at once.',
      ),
  })
  .describe('Where truth about people comes from.')
