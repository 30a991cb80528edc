// No container runs here: the files are read by parsers, and what they refer to is looked for.
import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import { Script } from 'node:vm'
import { validate } from 'dockerfile-utils'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { root, textOf } from './files.ts'

interface Service {
  readonly [key: string]: unknown
  readonly build?: { readonly context: string; readonly dockerfile?: string }
  readonly image?: string
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
}

interface Compose {
  readonly [key: string]: unknown
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}

/** Keys of the Compose specification (github.com/compose-spec/compose-spec, 05-services.md) that this project uses or may use. */
const serviceKeys = [
  'build',
  'image',
  'command',
  'entrypoint',
  'environment',
  'env_file',
  'volumes',
  'ports',
  'depends_on',
  'restart',
  'read_only',
  'tmpfs',
  'cap_drop',
  'security_opt',
  'user',
  'healthcheck',
  'stop_grace_period',
  'networks',
  'secrets',
]
const topKeys = ['name', 'services', 'volumes', 'networks', 'secrets']
const healthKeys = ['test', 'interval', 'timeout', 'retries', 'start_period']

const compose = async (): Promise<Compose> => parse(await textOf('deploy/compose.yaml')) as Compose
const instructionsOf = (dockerfile: string): string[] =>
  dockerfile
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line))

describe.each(['deploy/Dockerfile', 'deploy/try/openldap/Dockerfile'])('%s', (path) => {
  test('has no mistake and nothing deprecated', async () => {
    expect(validate(await textOf(path)).map(({ message }) => message)).toEqual([])
  })

  test('does not run as root, and knows whether it is well', async () => {
    const instructions = instructionsOf(await textOf(path))
    const user = instructions.findLast((line) => line.startsWith('USER '))
    expect(user).toMatch(/^USER (?:10001:10001|openldap)$/)
    const last = instructions.findLastIndex((line) => /^(?:CMD|ENTRYPOINT) /.test(line))
    expect(instructions.indexOf(user ?? '')).toBeLessThan(last)
    expect(instructions.some((line) => line.startsWith('HEALTHCHECK '))).toBe(true)
  })

  test('pins no secret and copies only what is there', async () => {
    const context = path === 'deploy/Dockerfile' ? '.' : 'deploy/try/openldap'
    const copies = instructionsOf(await textOf(path)).filter((line) => /^COPY (?!--from)/.test(line))
    expect(copies.length).toBeGreaterThan(0)
    for (const name of copies.flatMap((line) => line.split(/\s+/).slice(1, -1))) {
      expect([name, existsSync(posix.join(root, context, name))]).toEqual([name, true])
    }
    expect(await textOf(path)).not.toMatch(/^(?:ENV|ARG) .*(?:PASSWORD|SECRET|TOKEN)/im)
  })
})

test('a mistake in a Dockerfile would be found', () => {
  expect(validate('FROM node:24-slim\nRUNN true\n')).not.toEqual([])
})

test('what the image copies is let through to its build, and nothing else is', async () => {
  const rules = (await textOf('.dockerignore')).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  expect(rules[0]).toBe('*')
  const copied = instructionsOf(await textOf('deploy/Dockerfile'))
    .filter((line) => /^COPY (?!--from)/.test(line))
    .flatMap((line) => line.split(/\s+/).slice(1, -1))
  expect(rules.slice(1).toSorted()).toEqual(
    copied
      .map((name) => `!${name}`)
      .filter((one, at, all) => all.indexOf(one) === at)
      .toSorted(),
  )
})

test('the image asks for the health where the daemon answers by default', async () => {
  const [check] = instructionsOf(await textOf('deploy/Dockerfile')).filter((line) => line.startsWith('HEALTHCHECK'))
  expect(check).toContain('http://127.0.0.1:9464/readyz')
  const command = JSON.parse(/CMD (\[.*\])$/.exec(check ?? '')?.[1] ?? '[]') as string[]
  expect(command.slice(0, 2)).toEqual(['node', '-e'])
  // It is JavaScript at all.
  expect(() => new Script(command[2] ?? '(')).not.toThrow()
})

describe('compose.yaml', () => {
  test('uses keys of the Compose specification only', async () => {
    const file = await compose()
    expect(topKeys).toEqual(expect.arrayContaining(Object.keys(file)))
    for (const service of Object.values(file.services)) {
      expect(serviceKeys).toEqual(expect.arrayContaining(Object.keys(service)))
      expect(healthKeys).toEqual(
        expect.arrayContaining(Object.keys((service['healthcheck'] as object | undefined) ?? {})),
      )
    }
  })

  test('refers to services, volumes, folders and files that are there', async () => {
    const { services, volumes } = await compose()
    for (const { depends_on: needed = {}, volumes: mounts = [], build } of Object.values(services)) {
      expect(Object.keys(services)).toEqual(expect.arrayContaining(Object.keys(needed)))
      for (const mount of mounts) {
        const [source = ''] = mount.split(':')
        const isThere = source.startsWith('.') ? existsSync(posix.join(root, 'deploy', source)) : source in volumes
        expect([source, isThere]).toEqual([source, true])
      }
      const dockerfile = build && posix.join(root, 'deploy', build.context, build.dockerfile ?? 'Dockerfile')
      if (dockerfile !== undefined) expect([dockerfile, existsSync(dockerfile)]).toEqual([dockerfile, true])
    }
  })

  test('gives no service more rights than it needs, and shows nothing to the network', async () => {
    const { services } = await compose()
    for (const service of Object.values(services)) {
      expect(service).toMatchObject({ cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/)
    }
    expect(services['keyturn']).toMatchObject({ read_only: true, stop_grace_period: '45s' })
    expect(await textOf('deploy/compose.yaml')).not.toMatch(/PASSWORD: (?!\$\{KEYTURN_TRY_PASSWORD:\?)/)
  })
})
