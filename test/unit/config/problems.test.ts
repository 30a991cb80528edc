import { expect, test } from 'vitest'
import { showProblem } from '../../../src/config/problems.ts'
import type { Problem } from '../../../src/model/place.ts'

const problem: Problem = {
  severity: 'error',
  place: { file: 'config/keyturn.yaml', line: 12, column: 5 },
  path: 'sources.hr.paht',
  message: 'unknown key; allowed here are path, key',
  hint: 'Did you mean "path"?',
  excerpt: '    paht: feeds/x.csv',
}

test('a problem shows its place, path, line and what to do', () => {
  expect(showProblem(problem)).toBe(
    [
      'config/keyturn.yaml:12:5: error: sources.hr.paht: unknown key; allowed here are path, key',
      '  12 |     paht: feeds/x.csv',
      '           ^',
      '  Did you mean "path"?',
    ].join('\n'),
  )
})

test('a problem of a whole file is one line', () => {
  const place = { file: 'keyturn.yaml', line: 0 }
  expect(showProblem({ severity: 'error', place, path: '', message: 'there is no such file or folder' })).toBe(
    'keyturn.yaml: error: there is no such file or folder',
  )
})

test('tabs keep the mark under its column', () => {
  const shown = showProblem({ ...problem, excerpt: '\ta:\tb', place: { file: 'x', line: 1, column: 5 } }).split('\n')
  expect(shown.slice(1, 3)).toEqual(['  1 | \ta:\tb', '      \t  \t^'])
})

test('a long line is cut around its column', () => {
  const excerpt = `${'x'.repeat(300)}HERE${'y'.repeat(300)}`
  const [, line = '', mark = ''] = showProblem({
    ...problem,
    excerpt,
    place: { file: 'x', line: 1, column: 301 },
  }).split('\n')
  expect(line.length).toBeLessThan(120)
  expect(line.slice(mark.indexOf('^'), mark.indexOf('^') + 4)).toBe('HERE')
})
