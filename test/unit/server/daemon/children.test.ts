import { expect, test } from 'vitest'
import { restartPause } from '../../../../src/server/daemon/children.ts'

test('a process that crashes again and again is begun again at once, then rarely, but never later than in five seconds', () => {
  expect([0, 1, 2, 5, 6, 50, 2_000].map(restartPause)).toEqual([100, 200, 400, 3_200, 5_000, 5_000, 5_000])
})
