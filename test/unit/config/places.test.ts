import { describe, expect, test } from 'vitest'
import { YamlFile } from '../../../src/config/yaml.ts'

/** `line:column` of a word inside the expression at `a`, however the expression is written. */
function placeOf(text: string, word: string): string {
  const file = new YamlFile('x.yaml', text)
  const { a } = file.value as { a: string }
  const { line, column } = file.locator(['a'])(a.indexOf(word))
  return `${line}:${column}`
}

describe('a word of an expression is found in the file', () => {
  test.each([
    ['plain', 'a: person.x == "y" && foo', '1:23'],
    ['over two lines', 'a: person.x == "y" &&\n   foo', '2:4'],
    ['in single quotes', 'a: \'person.x == "y" && foo\'', '1:24'],
    ['behind a doubled quote', "a: 'x == \"it''s\" && foo'", '1:21'],
    ['in double quotes', 'a: "x == \\"y\\" && foo"', '1:19'],
    ['behind escapes', 'a: "\\x41\\u0042\\U00000043\\t\\\\ foo"', '1:30'],
    ['folded in double quotes', 'a: "x &&\n\n    foo"', '3:5'],
    ['behind a line that goes on', 'a: "x && \\\n   y && foo"', '2:9'],
    ['in a literal block', 'a: |\n  x == "y" &&\n    foo\n', '3:5'],
    ['in a folded block', 'a: >-\n  x == "y" &&\n  foo\n', '3:3'],
    ['behind an anchor', 'a: &b x && foo', '1:12'],
    ['with line ends of Windows', 'a: |\r\n  x &&\r\n  foo\r\n', '3:3'],
  ])('%s', (_, text, expected) => {
    expect(placeOf(text, 'foo')).toBe(expected)
  })
})

describe('a value is found', () => {
  const file = new YamlFile(
    'x.yaml',
    'base: &base { b: 1 }\nlist: [1, { c: 2 }]\nmore: { <<: *base, d: 3 }\nsame: *base\n',
  )

  test.each([
    [['list', 1, 'c'], 'value', '2:16'],
    [['list', 1, 'c'], 'key', '2:13'],
    [['more', 'b'], 'value', '1:18'],
    [['same'], 'value', '4:7'],
    [['same', 'b'], 'value', '1:18'],
    [['more', 'nothing', 'here'], 'value', '3:1'],
    [[], 'value', '1:1'],
  ] as const)('%j, its %s at %s', (path, part, expected) => {
    const { line, column } = file.place(path, part)
    expect(`${line}:${column}`).toBe(expected)
  })
})

describe('YAML that is refused', () => {
  test.each([
    ['a: !tag x', '1:4 this is not YAML: unresolved tag'],
    ['a: @x', '1:4 this is not YAML: plain value cannot start with reserved character @'],
    ['a: 1\n---\nb: 2', '2:1 this is not YAML: the file holds more than one document'],
    [
      '- a\nb: 1\nc: 2',
      '2:1 this is not YAML: unexpected scalar at node end',
      '2:2 this is not YAML: from here on the text belongs to nothing; the lines before it are not what they seem',
    ],
    ['? [a]\n: b', '1:3 a key must be a plain word, not a list, a mapping or an alias'],
    ['__proto__: x', '1:1 the key "__proto__" is not allowed'],
    ['a: &x [*x]', '1:8 this alias stands inside the very value that it repeats'],
    ['a: *x', '1:4 this alias names no anchor that stands before it'],
    ['- { a: 1, a: 2 }', '1:11 this key stands twice in the same mapping; one is allowed'],
    [
      `a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nd: &d [*c, *c, *c]\ne: [*d, *d, *d]`,
      '1:1 the aliases of this file repeat too much',
    ],
  ])('%j', (text, ...expected) => {
    const { problems, value } = new YamlFile('x.yaml', text)
    expect(problems.map(({ place, message }) => `${place.line}:${place.column} ${message}`)).toEqual(expected)
    expect(value).toBeNull()
  })
})
