import cron from 'node-cron'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Identity, IdentityId, IntakeResult } from '../../../../src/model/identity.ts'
import { DAY, HOUR } from '../../../../src/model/instant.ts'
import type { Keyturn } from '../../../../src/server/context.ts'
import { openClockwork } from '../../../../src/server/daemon/clockwork.ts'
import { noon, settingsWith } from '../../intake/feed.ts'
import { person } from '../../policy/company.ts'

/** A clock over people in memory, who are due at the moments that are stated. */
class Tower {
  now = noon
  readonly due = new Map<IdentityId, number>()
  readonly people = new Map<IdentityId, Identity>()
  readonly saved: IntakeResult[] = []
  readonly marked: IdentityId[] = []
  readonly fired: string[] = []
  readonly ticks = new Set<string>()
  readonly shut: IdentityId[] = []
  readonly log: string[] = []
  /** Of the ledger. */
  version = 0
  scans = 0
  comparisons = 0
  isWritable = true
  readonly clockwork

  constructor() {
    this.clockwork = openClockwork(this.#keyturn(), {
      rescue: {
        inTime: async (writing) =>
          this.isWritable
            ? writing
            : writing.then(
                () => 'unwritable' as const,
                () => 'unwritable' as const,
              ),
        revoke: async (people) => void this.shut.push(...people.map(({ id }) => id)),
      },
      onDue: () => this.fired.push('due'),
      onFeed: (source) => this.fired.push(source),
      onHeld: () => this.fired.push('held'),
      onFullPass: () => this.fired.push('full pass'),
    })
    onTestFinished(() => this.clockwork[Symbol.asyncDispose]())
  }

  #keyturn(): Keyturn {
    const quiet = () => undefined
    const note = (message: string) => void this.log.push(message)
    return {
      clock: () => this.now,
      correlation: 'c',
      logger: { debug: note, info: note, change: quiet, warn: note, error: note },
      settings: { daemon: { fullPass: HOUR }, sources: { hr: settingsWith() }, platforms: {} },
      ledger: {
        version: () => `${this.version}`,
        nextClockDue: async () => {
          this.scans += 1
          return this.due.size === 0 ? null : Math.min(...this.due.values())
        },
        clockSetBack: async () => {
          this.comparisons += 1
          return false
        },
        tick: async (name: string, slot: number) => this.#tick(`${name} ${slot}`),
        clockDue: async (now: number) => [...this.due].filter(([, at]) => at <= now).map(([id]) => id),
        identitiesById: async (ids: readonly IdentityId[]) => ids.flatMap((id) => this.people.get(id) ?? []),
        saveIntake: async (intake: IntakeResult) => {
          if (!this.isWritable) throw new Error('the disk is full')
          this.saved.push(intake)
          for (const { id } of intake.changed) this.due.delete(id)
          this.version += 1
        },
        lookAgain: async (ids: readonly IdentityId[]) => {
          this.marked.push(...ids)
          for (const id of ids) this.due.delete(id)
        },
      },
    } as unknown as Keyturn
  }

  #tick(key: string): boolean {
    if (!this.isWritable) throw new Error('the disk is full')
    if (this.ticks.has(key)) return false
    this.ticks.add(key)
    return true
  }

  /** Somebody whose employment ends at this moment. */
  ending(id: IdentityId, endsAt: number): void {
    this.people.set(
      id,
      person(id.slice(3), { startsAt: noon - DAY, endsAt, next: { at: endsAt, state: 'left' }, revision: 7 }),
    )
    this.due.set(id, endsAt)
    this.version += 1
  }
}

test('whose end is reached has left, is saved by what was known, and planning is called', async () => {
  const tower = new Tower()
  tower.ending('hr:1', noon + 5_000)
  await tower.clockwork.look()
  expect(tower.saved).toEqual([])
  tower.now = noon + 5_000
  await tower.clockwork.look()
  const [intake] = tower.saved
  expect(intake?.changed).toMatchObject([{ id: 'hr:1', state: 'left' }])
  expect(intake?.known).toEqual(new Map([['hr:1', 7]]))
  expect(tower.fired).toContain('due')
})

test('who is due without another state, such as a clean-up, is marked', async () => {
  const tower = new Tower()
  tower.people.set('hr:1', person('1', { startsAt: noon - DAY }))
  tower.due.set('hr:1', noon)
  await tower.clockwork.look()
  expect([tower.marked, tower.saved]).toEqual([['hr:1'], []])
})

test('while the ledger cannot be written, whose end is reached is shut without it, and is due still', async () => {
  const tower = new Tower()
  tower.ending('hr:1', noon)
  tower.isWritable = false
  await tower.clockwork.look()
  expect([tower.shut, [...tower.due.keys()]]).toEqual([['hr:1'], ['hr:1']])
  tower.isWritable = true
  await tower.clockwork.look()
  expect(tower.saved).toHaveLength(1)
})

test('a schedule fires once in each of its slots, whoever asks, and is not lost where the ledger could not tell', async () => {
  const tower = new Tower()
  tower.isWritable = false
  await tower.clockwork.look()
  await tower.clockwork.look()
  expect([tower.fired, tower.log]).toEqual([[], ['the clock could not be followed; it is tried every second']])
  tower.isWritable = true
  await tower.clockwork.look()
  await tower.clockwork.look()
  expect(tower.fired).toEqual(['full pass', 'held', 'hr'])
  expect(tower.log.slice(1)).toEqual(['the clock is followed again'])
  tower.now += HOUR
  tower.ticks.add(`full pass ${tower.now}`)
  await tower.clockwork.look()
  expect(tower.fired).toEqual(['full pass', 'held', 'hr', 'held', 'hr'])
})

test('the ledger is scanned when somebody is due or anything has changed, not with every look', async () => {
  const tower = new Tower()
  tower.ending('hr:1', noon + 60_000)
  for (let look = 0; look < 5; look++) await tower.clockwork.look()
  expect(tower.scans).toBe(1)
  // Somebody sooner than that.
  tower.ending('hr:2', noon + 2_000)
  await tower.clockwork.look()
  expect(tower.scans).toBe(2)
  tower.now = noon + 2_000
  await tower.clockwork.look()
  expect(tower.saved.flatMap(({ changed }) => changed.map(({ id }) => id))).toEqual(['hr:2'])
  tower.now = noon + 60_000
  await tower.clockwork.look()
  expect(tower.saved.flatMap(({ changed }) => changed.map(({ id }) => id))).toEqual(['hr:2', 'hr:1'])
})

test('the clock is held against the ledger at first, where it went back, and not with every look', async () => {
  const tower = new Tower()
  await tower.clockwork.look()
  expect(tower.comparisons).toBe(1)
  tower.now += 1_000
  await tower.clockwork.look()
  expect(tower.comparisons).toBe(1)
  tower.now -= 10_000
  await tower.clockwork.look()
  expect(tower.comparisons).toBe(2)
})

test('what the scheduler itself has to say goes into the log like all else', () => {
  const schedule = vi.spyOn(cron, 'schedule')
  onTestFinished(() => schedule.mockRestore())
  const tower = new Tower()
  const scheduler = schedule.mock.calls[0]?.[2]?.logger
  scheduler?.warn('missed execution')
  scheduler?.error(new Error('no'))
  expect(tower.log).toEqual(['node-cron', 'a tick of the schedule failed'])
})
