import { expect, test } from 'vitest'
import type { SettledObligation } from '../../../../src/apply/ports.ts'
import type { IntakeResult, LifecycleEvent } from '../../../../src/model/identity.ts'
import type { Keyturn } from '../../../../src/server/context.ts'
import { tellIntake, tellSettled } from '../../../../src/server/daemon/stories.ts'

/** What is told, as `level message`, with its fields. */
function listener() {
  const lines: { readonly line: string; readonly fields: Record<string, unknown> }[] = []
  const say = (level: string) => (message: string, fields: object) =>
    void lines.push({ line: `${level} ${message}`, fields: { ...fields } })
  const logger = {
    debug: say('debug'),
    info: say('info'),
    change: say('change'),
    warn: say('warn'),
    error: say('error'),
  }
  return {
    lines,
    keyturn: { logger, correlation: 'c-1' } as unknown as Keyturn,
    told: () => lines.map(({ line }) => line),
  }
}

const event = (identity: string, kind: LifecycleEvent['kind'] = 'leaver') => ({ kind, identity, effectiveAt: 0 })

const intake = (events: readonly object[], more: object = {}) =>
  ({ source: 'hr', accepted: null, refused: null, events, problems: [], ...more }) as unknown as IntakeResult

test('each person of a small read is told by id, with the thread of the story and nothing personal', () => {
  const { lines, keyturn } = listener()
  tellIntake(keyturn, intake([event('hr:1'), event('hr:2', 'joiner')]))
  const base = { effectiveAt: '1970-01-01T00:00:00.000Z', correlation: 'c-1' }
  expect(lines).toEqual([
    { line: 'info noticed', fields: { event: 'leaver', identity: 'hr:1', ...base } },
    { line: 'info noticed', fields: { event: 'joiner', identity: 'hr:2', ...base } },
  ])
})

test('of ten thousand, a hundred are told, and all are counted by what happened to them', () => {
  const { lines, keyturn } = listener()
  const joiners = Array.from({ length: 9_999 }, (_, index) => event(`hr:${index}`, 'joiner'))
  tellIntake(keyturn, intake([...joiners, event('hr:last')]))
  expect(lines).toHaveLength(101)
  expect(lines.at(-1)).toEqual({
    line: 'info noticed many',
    fields: { source: 'hr', joiner: 9_999, leaver: 1, correlation: 'c-1' },
  })
})

test('a refused read is told with its hint, and a read without news is not', () => {
  const { keyturn, told } = listener()
  tellIntake(keyturn, intake([], { refused: { why: 'too short', hint: 'look' } }))
  tellIntake(keyturn, intake([], { accepted: {} }))
  expect(told()).toEqual(['error the feed is refused'])
})

test('rows that are set aside are told by their places, without their texts', () => {
  const { lines, keyturn } = listener()
  const about = { place: { file: 'people.csv', line: 7 }, path: 'status', message: 'Ada is "Retired"' }
  const problems = [
    { severity: 'error', ...about },
    { severity: 'warning', ...about },
  ]
  tellIntake(keyturn, intake([], { accepted: {}, problems }))
  tellIntake(keyturn, intake([], { accepted: {}, problems: Array.from({ length: 30 }, () => problems[0]) }))
  expect(lines.map(({ fields }) => fields)).toEqual([
    { source: 'hr', rows: 1, first: ['people.csv:7 status'], correlation: 'c-1' },
    { source: 'hr', rows: 30, first: Array.from({ length: 10 }, () => 'people.csv:7 status'), correlation: 'c-1' },
  ])
})

const error = { code: 'value-refused', message: 'a value is refused' } as const

function settled(more: Partial<SettledObligation>): SettledObligation {
  const base = { identity: 'hr:1', platform: 'ad', lane: 'revoke', state: 'settled', moved: false } as const
  return { ...base, results: [], proof: null, error: null, nextTryAt: null, correlation: 'c-2', ...more }
}

test('proofs, what is given up and revocations that are still owed are told; a change that is tried again is not', () => {
  const { lines, keyturn, told } = listener()
  const result = (status: string) => [{ change: { kind: 'grant' }, status }] as unknown as SettledObligation['results']
  tellSettled(keyturn, [
    settled({ proof: { grade: 'refused', at: 0, text: '533' } as unknown as SettledObligation['proof'] }),
    settled({ lane: 'change', state: 'failed', results: result('failed'), error }),
    settled({ state: 'retry', error }),
    settled({ state: 'retry', error: { code: 'platform-unreachable', message: 'no answer' } }),
    settled({ lane: 'change', state: 'retry', results: result('retry'), error }),
    settled({ lane: 'change', results: result('done') }),
  ])
  // Of a platform that is down there is no line for everybody and every try.
  expect(told()).toEqual(['info proof', 'error given up', 'warn still owed', 'debug still owed'])
  expect(lines.map(({ fields }) => fields['correlation'])).toEqual(['c-2', 'c-2', 'c-2', 'c-2'])
})
