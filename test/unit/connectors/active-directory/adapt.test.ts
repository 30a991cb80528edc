import { expect, test } from 'vitest'
import { openActiveDirectory } from '../../../../src/connectors/active-directory/index.ts'
import type { NewAccount } from '../../../../src/model/change.ts'
import type { DirectorySettings } from '../../../../src/model/settings.ts'

const settings = { id: 'corp-ad', url: 'ldaps://dc1.corp.example', base: 'DC=corp,DC=example' } as DirectorySettings
const logger = { debug() {}, info() {}, change() {}, warn() {}, error() {} }
const secrets = { resolve: () => Promise.reject(new Error('not asked for')) }
const connector = openActiveDirectory(settings, { secrets, logger, clock: () => 0 })

const account: NewAccount = {
  name: 'ann',
  container: 'OU=Staff,DC=corp,DC=example',
  enabled: true,
  attributes: { displayName: ['Rene\u0301'], title: [''], mail: ['a@b', 'a@b'] },
  expiresAt: 1_000.5,
}

test('an account is rewritten into what the domain will give back, and once is enough', () => {
  const adapted = connector.adapt(account)
  expect(adapted).toEqual({ ...account, attributes: { displayName: ['Ren\u00e9'], mail: ['a@b'] }, expiresAt: 1_000 })
  expect(connector.adapt(adapted)).toEqual(adapted)
})

test('what the domain would not take is refused before anything is planned', () => {
  expect(() => connector.adapt({ ...account, name: 'a'.repeat(21) })).toThrow(
    expect.objectContaining({ code: 'value-refused' }),
  )
})

test('an address is within a container at any depth, however it is written', () => {
  expect(connector.within('CN=Ann\\, Lee,OU=IT,OU=Staff,DC=corp,DC=example', 'ou=staff, dc=corp,dc=example')).toBe(true)
  expect(connector.within('CN=Ann,OU=Upstaff,DC=corp,DC=example', 'OU=staff,DC=corp,DC=example')).toBe(false)
})
