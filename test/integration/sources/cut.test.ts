// A feed that is cut anywhere never makes anybody left, from the bytes of the file to the states of the people.
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openFeed } from '../../../src/intake/index.ts'
import type { Identity, IntakeResult } from '../../../src/model/identity.ts'
import { DAY } from '../../../src/model/instant.ts'
import type { AttributeMapping, SourceSettings } from '../../../src/model/settings.ts'
import { openSource } from '../../../src/sources/index.ts'

const now = Date.UTC(2026, 5, 15, 12)
const place = { file: 'keyturn.yaml', line: 1 }
const column = (name: string): AttributeMapping => ({ from: { column: name }, trim: true, place })
const date = (name: string, at: 'start-of-day' | 'end-of-day') => ({
  column: name,
  format: 'M-d-yyyy',
  at,
  none: [],
  place,
})

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyturn-cut-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

function settings(finalNewline: 'required' | 'optional', maxChange: number): SourceSettings {
  return {
    id: 'hr',
    kind: 'csv',
    path: join(folder, 'people.csv'),
    every: 60_000,
    key: 'Id',
    content: 'full',
    timezone: 'Europe/Zurich',
    csv: { finalNewline },
    identity: {
      attributes: { name: column('Name') },
      references: { manager: { ...column('Manager'), reference: 'name', unresolved: 'keep' } },
      startsAt: date('Start', 'start-of-day'),
      endsAt: date('End', 'end-of-day'),
      state: {
        column: 'Status',
        values: { Active: 'active', Leave: 'suspended', Left: 'left' },
        otherwise: 'page',
        place,
      },
      version: 'v1',
    },
    contract: { required: ['Id'], rows: { min: 1, maxChange } },
    vanished: { after: 3 * DAY, then: 'suspend' },
    settle: 500,
    place,
  }
}

async function readFeed(
  one: SourceSettings,
  bytes: Buffer,
  after: IntakeResult | null,
  at: number,
): Promise<IntakeResult> {
  await writeFile(one.path, bytes)
  const quiet = new Date(Date.now() - 60_000)
  await utimes(one.path, quiet, quiet)
  const feed = openFeed({
    settings: one,
    previous: after?.identities ?? [],
    lastRead: after?.accepted ?? null,
    now: at,
  })
  const reader = openSource(one, () => at).read(new AbortController().signal)
  for (;;) {
    const step = await reader.next()
    if (step.done === true) return feed.close(step.value)
    feed.take(step.value)
  }
}

const people = Buffer.from(
  [
    '\ufeffId,Status,Start,End,Name,Manager',
    '1,Active,1-1-2020,,"Zoë, O’Brien",',
    '2,Left,1-1-2020,12-31-2026,Łukasz,"Zoë, O’Brien"',
    '3,Left,1-1-2020,12-31-2021,Bob,"Zoë, O’Brien"',
    '10,Active,1-1-2020,,"D. ""Dee"" Dee",Łukasz',
    '4,Leave,1-1-2020,,"Two',
    'lines",Łukasz',
    '5,Active,12-1-2026,12-1-2027,Future,Bob',
    '',
  ].join('\r\n'),
)

const shut = (some: readonly Identity[]) =>
  some
    .filter(({ state }) => state === 'left' || state === 'archived')
    .map(({ key }) => key)
    .toSorted()

test.for([
  ['required', 0.1],
  ['required', 10],
  ['optional', 10],
] as const)(
  'a feed cut at any byte shuts nobody out (final newline %s, change %d)',
  async ([finalNewline, maxChange]) => {
    const one = settings(finalNewline, maxChange)
    const whole = await readFeed(one, people, null, now)
    expect(whole.identities.map(({ key, state }) => `${key} ${state}`)).toEqual([
      '1 active',
      '2 active',
      '3 left',
      '10 active',
      '4 suspended',
      '5 pre-hire',
    ])
    for (let length = 0; length < people.length; length++) {
      const cut = await readFeed(one, people.subarray(0, length), whole, now + DAY)
      expect(shut(cut.identities), `cut after ${length} bytes`).toEqual(['3'])
      // Absence is counted from a read that looks whole, and even then it suspends nobody at once.
      const states = cut.identities.map(({ key, state }) => `${key} ${state}`).toSorted()
      expect(states).toEqual(whole.identities.map(({ key, state }) => `${key} ${state}`).toSorted())
    }
  },
)
