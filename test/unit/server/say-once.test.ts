import { expect, test } from 'vitest'
import { sayingOnce } from '../../../src/server/say-once.ts'
import { notebook } from '../notify/samples.ts'

test('an outage is one warning, however often it is met; another platform or error is another', () => {
  const log = notebook()
  const once = sayingOnce(log)
  const down = { platform: 'wiki', code: 'platform-unreachable' }
  once.warn('no answer', { ...down, message: 'refused' })
  once.warn('no answer', { ...down, message: 'refused after 7 ms' })
  once.warn('no answer', { ...down, platform: 'crm' })
  once.warn('no answer', { ...down, code: 'platform-refused' })
  once.warn('something else')
  once.error('no answer', down)
  expect(log.lines.map(({ level }) => level)).toEqual(['warn', 'debug', 'warn', 'warn', 'warn', 'error'])
})
