import { expect, onTestFinished, test } from 'vitest'
import type { Identity, IdentityId } from '../../../../src/model/identity.ts'
import type { Admission } from '../../../../src/model/ledger.ts'
import type { LookAgain } from '../../../../src/model/running.ts'
import { KeyturnError } from '../../../../src/model/errors.ts'
import type { Keyturn } from '../../../../src/server/context.ts'
import { Planner } from '../../../../src/server/daemon/planner.ts'

/** A planner over marks in memory and no platform: whom it plans, what it asks passes for, what it logs. */
class Desk {
  marks: (LookAgain & { readonly urgent: boolean })[] = []
  readonly planned: (readonly IdentityId[])[] = []
  readonly asked: (number | 'request')[] = []
  readonly log: string[] = []
  readonly states = new Map<IdentityId, Identity['state']>()
  readonly unsound = new Set<IdentityId>()
  readonly stale: IdentityId[][] = []
  readonly shut: IdentityId[] = []
  heldTogether: readonly IdentityId[] = []
  trouble: Error | null = null
  unwritable = false
  readonly planner: Planner
  #last = 0
  #lastMark = 0

  constructor() {
    this.planner = new Planner(this.#keyturn(), {
      passes: { look: (mark) => this.asked.push(mark), isUnderWay: true, request: () => this.asked.push('request') },
      rescue: {
        inTime: async (writing) => (this.unwritable ? 'unwritable' : writing),
        revoke: async (people) => void this.shut.push(...people.map(({ id }) => id)),
      },
      down: () => new Set(),
      onAdmitted: () => undefined,
    })
    onTestFinished(() => this.planner[Symbol.asyncDispose]())
  }

  mark(count: number, state: Identity['state']): readonly IdentityId[] {
    return Array.from({ length: count }, () => {
      this.#last += 1
      const identity = `hr:${this.#last}`
      this.states.set(identity, state)
      this.again(identity)
      return identity
    })
  }

  again(identity: IdentityId): void {
    const id = ++this.#lastMark
    const urgent = this.states.get(identity) === 'left'
    this.marks.push({ id, identity, cause: 'feed', since: 0, correlation: 'c', urgent })
  }

  #keyturn(): Keyturn {
    const say = (message: string) => void this.log.push(message)
    const nobody = async () => []
    return {
      clock: () => 0,
      connectors: new Map(),
      correlation: 'c',
      operator: 'keyturn',
      logger: { debug: () => undefined, info: () => undefined, change: say, warn: say, error: say },
      settings: { policyVersion: 'v', safety: { protected: [], limits: {} } },
      policy: {
        nextAt: () => null,
        heldRoles: ({ id }: Identity) => {
          if (this.unsound.has(id)) throw new TypeError('a mistake')
          return []
        },
      },
      ledger: {
        markedUrgently: async (after: number, most: number) => {
          return this.marks.filter(({ id, urgent }) => urgent && id > after).slice(0, most)
        },
        version: () => '1',
        heldTogether: async () => this.heldTogether,
        lastUnhurriedMark: async () => this.marks.findLast(({ urgent }) => !urgent)?.id ?? 0,
        identitiesById: async (ids: readonly IdentityId[]) =>
          ids.map((id) => ({ id, state: this.states.get(id), references: {}, next: null })),
        overrides: nobody,
        heldRoles: nobody,
        admit: async (admission: Admission) => {
          if (this.trouble !== null) throw this.trouble
          return this.#admit(admission)
        },
      },
    } as unknown as Keyturn
  }

  #admit({ looked }: Admission) {
    const people = looked?.people ?? []
    const stale = this.stale.shift() ?? []
    this.planned.push(people)
    this.marks = this.marks.filter(
      ({ id, identity }) =>
        identity === null || id > (looked?.upTo ?? 0) || !people.includes(identity) || stale.includes(identity),
    )
    return { pointers: [], holds: [], stale }
  }
}

test('a leaver is planned at once behind ten thousand marked joiners, who are left to one pass', async () => {
  const desk = new Desk()
  desk.mark(10_000, 'active')
  const [ann] = desk.mark(1, 'left')
  await desk.planner.look()
  expect([desk.planned, desk.asked]).toEqual([[[ann]], [10_000]])
  await desk.planner.look()
  expect([desk.planned.length, desk.asked]).toEqual([1, [10_000]])
})

test('people who must be shut are one plan, as long as they are few', async () => {
  const desk = new Desk()
  const people = desk.mark(200, 'left')
  await desk.planner.look()
  expect([desk.planned, desk.asked]).toEqual([[people], []])
})

test('more people than that are a plan of a pass, and so is who comes after them before it has planned', async () => {
  const desk = new Desk()
  desk.mark(201, 'left')
  await desk.planner.look()
  desk.mark(1, 'left')
  await desk.planner.look()
  expect([desk.planned, desk.asked]).toEqual([[], [201, 202]])
})

test('whom a limit holds together is planned together; where they are too many, by a pass', async () => {
  const desk = new Desk()
  const [ann = ''] = desk.mark(1, 'left')
  desk.states.set('hr:held', 'left')
  desk.heldTogether = [ann, 'hr:held']
  await desk.planner.look()
  expect(desk.planned).toEqual([[ann, 'hr:held']])
  desk.heldTogether = Array.from({ length: 10_000 }, (_, index) => `hr:h${index}`)
  desk.mark(1, 'left')
  await desk.planner.look()
  expect([desk.planned.length, desk.asked]).toEqual([1, [2]])
})

test('whom a pass could not finish stands in nobody else’s way', async () => {
  const desk = new Desk()
  desk.mark(5_000, 'left')
  await desk.planner.look()
  desk.planner.leave(5_000)
  const [ann] = desk.mark(1, 'left')
  await desk.planner.look()
  expect([desk.planned, desk.asked]).toEqual([[[ann]], [2_000]])
})

test('somebody of whom no plan can be made does not keep the others in, and is left to a pass until there is news', async () => {
  const desk = new Desk()
  const [ann = '', bob = '', cleo = ''] = desk.mark(3, 'left')
  desk.unsound.add(bob)
  await desk.planner.look()
  expect([desk.planned, desk.asked]).toEqual([[[ann, cleo]], ['request']])
  await desk.planner.look()
  expect(desk.planned.length).toBe(1)
  desk.unsound.clear()
  desk.again(bob)
  await desk.planner.look()
  expect(desk.planned.at(-1)).toEqual([bob])
})

test('a mistake that concerns everybody is told once and left to a pass', async () => {
  const desk = new Desk()
  const [ann = ''] = desk.mark(1, 'left')
  desk.unsound.add(ann)
  for (let looks = 0; looks < 5; looks++) await desk.planner.look()
  expect([desk.planned, desk.asked, desk.log]).toEqual([
    [],
    ['request'],
    ['an urgent plan failed; it is left to a pass'],
  ])
})

test.each(['ledger-busy', 'ledger-unavailable'] as const)(
  'trouble that passes (%s) is tried again with every look, and told once in a while',
  async (code) => {
    const desk = new Desk()
    const [ann] = desk.mark(1, 'left')
    desk.trouble = new KeyturnError(code, 'locked')
    for (let looks = 0; looks < 5; looks++) await desk.planner.look()
    expect(desk.log).toEqual(['an urgent plan failed; it is made again'])
    desk.trouble = null
    await desk.planner.look()
    expect(desk.planned).toEqual([[ann]])
  },
)

test('who changed meanwhile is planned again at once, but who goes on changing makes no hot loop', async () => {
  const desk = new Desk()
  const [ann = ''] = desk.mark(1, 'left')
  desk.stale.push([ann], [ann], [ann])
  await desk.planner.look()
  await desk.planner.look()
  expect(desk.planned).toEqual([[ann], [ann]])
})

test('while the ledger cannot be written, who left is shut without it', async () => {
  const desk = new Desk()
  const [ann] = desk.mark(1, 'left')
  desk.unwritable = true
  await desk.planner.look()
  expect(desk.shut).toEqual([ann])
})

test('whoever came back meanwhile is no urgent case any more', async () => {
  const desk = new Desk()
  const [ann = ''] = desk.mark(1, 'left')
  desk.states.set(ann, 'active')
  await desk.planner.look()
  expect([desk.planned, desk.asked]).toEqual([[], [1]])
})
