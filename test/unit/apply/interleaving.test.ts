import { expect, test } from 'vitest'
import { type Scene, stage, type Story } from './play.ts'
import { explore } from './schedules.ts'

const stories: readonly Story[] = ['joins', 'comes back', 'returns from leave']
const accidents = ['killed', 'cut off'] as const

/** Ends in every one of these orders as it should; returns how many there were. */
async function inAllOrders(scene: Scene, preemptions: number): Promise<number> {
  const { wrong, schedules } = await explore(() => stage(scene), preemptions)
  expect(wrong).toBeNull()
  return schedules
}

for (const story of stories) {
  test(`somebody who ${story} and leaves at any moment of it ends shut, scrambled and stripped`, async () => {
    expect(await inAllOrders({ story, leaves: true, others: ['revoke'] }, 2)).toBeGreaterThan(500)
  })

  test.each(accidents)(`somebody who ${story} and leaves, while the worker is %s at any moment`, async (accident) => {
    expect(await inAllOrders({ story, leaves: true, others: ['revoke'], accident }, 1)).toBeGreaterThan(20)
  })

  test.each(accidents)(`somebody who ${story} and leaves, while the revoking worker is %s`, async (accident) => {
    const scene: Scene = { story, leaves: true, others: ['revoke'], accident, victim: 0 }
    expect(await inAllOrders(scene, 1)).toBeGreaterThan(20)
  })

  test(`somebody who ${story} and stays has one account, open, with a password that was handed over`, async () => {
    expect(await inAllOrders({ story, leaves: false, others: ['change'] }, 2)).toBeGreaterThan(20)
  })

  test.each(accidents)(`somebody who ${story} and stays, while the worker is %s at any moment`, async (accident) => {
    expect(await inAllOrders({ story, leaves: false, others: ['change'], accident }, 1)).toBeGreaterThan(20)
  })
}

test('somebody who returns and leaves, with two workers for revocations', async () => {
  const scene: Scene = { story: 'returns from leave', leaves: true, others: ['revoke', 'revoke'] }
  expect(await inAllOrders(scene, 1)).toBeGreaterThan(1_000)
})

test('somebody who joins and leaves, with two workers for changes', async () => {
  const scene: Scene = { story: 'joins', leaves: true, others: ['change', 'revoke'] }
  expect(await inAllOrders(scene, 1)).toBeGreaterThan(1_000)
})

test('somebody who joins and leaves, while the worker is killed, with one more interruption', async () => {
  const scene: Scene = { story: 'joins', leaves: true, others: ['revoke'], accident: 'killed' }
  expect(await inAllOrders(scene, 2)).toBeGreaterThan(500)
})

test.each(['intends-always', 'forgets-intents', 'settles-always', 'sends-blindly'] as const)(
  'a planted mistake is found: %s',
  async (mistake) => {
    const found = await Promise.all(
      stories.map((story) => explore(() => stage({ story, leaves: true, others: ['revoke'], mistake }), 2)),
    )
    expect(found.some(({ wrong }) => wrong !== null)).toBe(true)
  },
)
