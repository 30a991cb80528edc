import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadConfig, starterFiles } from '../../../src/config/index.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyturn-config-'))
  for (const { path, text } of starterFiles()) await put(path, text)
})

afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function put(path: string, content: string | Buffer): Promise<void> {
  const file = join(folder, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, content)
}

const main = (): string => join(folder, 'keyturn.yaml')

async function told(): Promise<readonly string[]> {
  const { settings, problems } = await loadConfig(main())
  expect(settings === null).toBe(problems.some(({ severity }) => severity === 'error'))
  return problems.map(
    ({ severity, place, message }) => `${severity} ${place.file.replace(`${folder}/`, '')}: ${message}`,
  )
}

const noDelivery =
  'warning keyturn.yaml: no delivery is given: nobody will learn the passwords of new accounts on directory'

describe('the starter configuration', () => {
  test('passes with a warning that nobody learns the passwords', async () => {
    expect(await told()).toEqual([noDelivery])
  })

  test('passes with the Active Directory part in use', async () => {
    const text = starterFiles().find(({ path }) => path === 'keyturn.yaml')?.text ?? ''
    await put(
      'keyturn.yaml',
      text.replace(/^ {2}# corp-ad:\n(?: {2}# .*\n)+/m, (part) => part.replaceAll(/^ {2}# /gm, '  ')),
    )
    await put('roles/ad.yaml', 'roles:\n  office: { accounts: [corp-ad], entitlements: { corp-ad: [all-staff] } }\n')
    expect(await told()).toEqual([noDelivery])
  })

  test('passes with the parts of the daemon in use', async () => {
    const text = starterFiles().find(({ path }) => path === 'keyturn.yaml')?.text ?? ''
    const [before = '', after = ''] = text.split(/(?=^# daemon:)/m)
    const optional = before.replaceAll(/# (?=(?:settle|watch|objectives): )/g, '')
    await put('keyturn.yaml', optional + after.replaceAll(/^# (?=[a-z]+:|  )/gm, ''))
    expect(await told()).toEqual([noDelivery])
    const { settings } = await loadConfig(main())
    expect(settings?.notifications.mail?.to).toEqual(['it-oncall@example.org'])
    expect(settings?.notifications.webhooks.map(({ shape }) => shape)).toEqual(['keyturn', 'slack'])
    expect(optional).toMatch(/^ +settle: 500ms[^]*^ +watch: 15s[^]*^ +objectives: /m)
  })

  test('names every file that a daemon watches, also when one of them is broken', async () => {
    const files = ['keyturn.yaml', 'roles', 'roles/departments.yaml', 'roles/staff.yaml'].map((one) =>
      join(folder, one),
    )
    expect((await loadConfig(main())).settings?.files).toEqual(files)
    await put('roles/staff.yaml', Buffer.from('k\xf6ln', 'latin1'))
    expect(await loadConfig(main())).toMatchObject({ settings: null, files })
  })

  test('has paths that count from its folder, and roles of all files', async () => {
    const { settings } = await loadConfig(main())
    expect(settings?.state.ledger).toBe(`sqlite:${folder}/var/keyturn.db`)
    expect(settings?.sources['hr']?.path).toBe(`${folder}/feeds/employees.csv`)
    expect(Object.keys(settings?.roles ?? {})).toEqual(
      expect.arrayContaining(['employee', 'manager', 'engineer', 'senior-engineer', 'finance', 'sales']),
    )
  })
})

describe('files that are not as they should be', () => {
  test('no keyturn.yaml', async () => {
    await rm(main())
    expect(await told()).toEqual(['error keyturn.yaml: there is no such file or folder'])
  })

  test('a folder in place of keyturn.yaml', async () => {
    await rm(main())
    await mkdir(main())
    expect(await told()).toEqual(['error keyturn.yaml: this is a folder, not a file'])
  })

  test('bytes that are no UTF-8', async () => {
    await put('keyturn.yaml', Buffer.from('organisation: { name: K\xf6ln }', 'latin1'))
    expect(await told()).toEqual(['error keyturn.yaml: the file is not UTF-8 text'])
  })

  test('no folder of roles', async () => {
    await rm(join(folder, 'roles'), { recursive: true })
    expect(await told()).toContain('error roles: there is no such file or folder')
  })

  test('a folder of roles without a role file', async () => {
    await rm(join(folder, 'roles'), { recursive: true })
    await put('roles/notes.txt', 'roles: {}')
    await put('roles/.hidden.yaml', 'roles: {}')
    expect(await told()).toContain('error roles: the folder holds no *.yaml file')
  })

  test('a role file that is a folder', async () => {
    await mkdir(join(folder, 'roles', 'x.yaml'))
    expect(await told()).toContain('error roles/x.yaml: this is a folder, not a file')
  })

  test('roles in another folder', async () => {
    const text = starterFiles().find(({ path }) => path === 'keyturn.yaml')?.text ?? ''
    await put('keyturn.yaml', `roles: rules\n${text}`)
    await put('rules/one.yml', 'roles:\n  everybody: { accounts: [directory] }\n')
    const { settings } = await loadConfig(main())
    expect(Object.keys(settings?.roles ?? {})).toEqual(['everybody'])
  })

  test('the file of a webhook that everybody may read', async () => {
    const text = starterFiles().find(({ path }) => path === 'keyturn.yaml')?.text ?? ''
    await put('keyturn.yaml', `${text}notifications: { webhooks: [{ url: file:secrets/slack, shape: slack }] }\n`)
    await put('secrets/slack', 'https://hooks.example/x\n')
    await chmod(join(folder, 'secrets/slack'), 0o604)
    expect(await told()).toContain(
      `warning keyturn.yaml: every user of this machine may read ${join(folder, 'secrets/slack')}`,
    )
  })

  test('a password file that everybody may read', async () => {
    const text = starterFiles().find(({ path }) => path === 'keyturn.yaml')?.text ?? ''
    await put('keyturn.yaml', text.replace('env:KEYTURN_LDAP_PASSWORD', 'file:secrets/ldap'))
    await put('secrets/ldap', 'hunter2\n')
    await chmod(join(folder, 'secrets/ldap'), 0o644)
    expect(await told()).toContain(
      `warning keyturn.yaml: every user of this machine may read ${join(folder, 'secrets/ldap')}`,
    )
    expect((await loadConfig(main())).problems.at(-1)).toMatchObject({ path: 'platforms.directory.bind.password' })
    await chmod(join(folder, 'secrets/ldap'), 0o600)
    expect(await told()).toEqual([noDelivery])
  })
})
