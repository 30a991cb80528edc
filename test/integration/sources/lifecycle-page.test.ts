import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { renderStateTable } from '../../unit/intake/state-table.ts'

test('docs/lifecycle.md shows the very state table that the unit tests run', async () => {
  const page = await readFile(new URL('../../../docs/lifecycle.md', import.meta.url), 'utf8')
  expect(page).toContain(renderStateTable())
})
