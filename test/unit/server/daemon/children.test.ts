import { expect, test } from 'vitest'
import { restartPause } from '../../../../src/server/daemon/children.ts'

test('a process that crashes again and again is begun again at once, then rarely, but never so late that five seconds pass', () => {
  expect([0, 1, 2, 5, 6, 50, 2_000].map(restartPause)).toEqual([100, 200, 400, 3_000, 3_000, 3_000, 3_000])
})
