// The files that are made from, or must agree with, the definitions of the configuration.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { starterFiles } from '../../../src/config/index.ts'
import { jsonSchemas } from '../../../src/config/json-schema.ts'

const root = new URL('../../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

interface Node {
  readonly properties?: Readonly<Record<string, Node>>
  readonly additionalProperties?: Node | boolean
  readonly items?: Node
  readonly anyOf?: readonly Node[]
  readonly description?: string
}

/** Every key of a schema, with what is below it. */
function* keysOf(node: Node): Generator<readonly [string, Node]> {
  for (const entry of Object.entries(node.properties ?? {})) {
    yield entry
    yield* keysOf(entry[1])
  }
  if (typeof node.additionalProperties === 'object') yield* keysOf(node.additionalProperties)
  if (node.items !== undefined) yield* keysOf(node.items)
  for (const branch of node.anyOf ?? []) yield* keysOf(branch)
}

const schemas = Object.entries(jsonSchemas())
const keys = schemas.flatMap(([, schema]) => [...keysOf(schema)])

describe('the JSON Schemas', () => {
  test.each(schemas)('%s is what the definitions say (else: npm run schema)', (name, schema) => {
    expect(JSON.parse(read(`config/schema/${name}`))).toEqual(schema)
  })

  test('describe every key', () => {
    expect(keys.length).toBeGreaterThan(100)
    expect(keys.filter(([, node]) => node.description === undefined).map(([key]) => key)).toEqual([])
  })

  test('are named by every example file, from where it lies', () => {
    for (const { path, text } of starterFiles().filter((file) => file.path.endsWith('.yaml'))) {
      const named = /^# yaml-language-server: \$schema=(.*)$/m.exec(text)?.[1] ?? ''
      const at = new URL(named, new URL(`config/${path}`, root)).href.replace(new URL('config/', root).href, '')
      expect(starterFiles().map((file) => file.path)).toContain(at)
    }
  })
})

describe('docs/configuration.md', () => {
  const words = new Set(
    Array.from(
      read('docs/configuration.md').matchAll(/`([^`\n]+)`|^#+ (.*)$/gm),
      ([, code, heading]) => code ?? heading ?? '',
    ).flatMap((code) => code.split(/[^\w-]+/)),
  )

  test('explains every key', () => {
    expect(keys.map(([key]) => key).filter((key) => !words.has(key))).toEqual([])
  })

  test('names every allowed word', () => {
    const text = JSON.stringify(jsonSchemas())
    const allowed = Array.from(text.matchAll(/"enum":(\[[^\]]*\])/g), ([, list = '[]']) => JSON.parse(list) as string[])
    expect(allowed.flat().filter((word) => !words.has(word))).toEqual([])
  })
})
