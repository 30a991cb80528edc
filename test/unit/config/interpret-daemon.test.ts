import { describe, expect, test } from 'vitest'
import { HOUR, MINUTE, SECOND } from '../../../src/model/instant.ts'
import type { Settings } from '../../../src/model/settings.ts'
import { interpreted, told } from './example.ts'

function settingsWith(section: string, ...changes: readonly (readonly [string, string])[]): Settings {
  const { settings, problems } = interpreted([['version: 1\n', `version: 1\n${section}\n`], ...changes])
  if (settings === null) throw new Error(JSON.stringify(problems))
  return settings
}

describe('a configuration that says nothing of the daemon', () => {
  const { daemon, notifications, sources, platforms } = settingsWith('')

  test('answers on this machine, looks at everybody once an hour and traces nothing', () => {
    expect(daemon).toEqual({
      listen: { host: '127.0.0.1', port: 9464 },
      fullPass: HOUR,
      offboards: { most: 20, within: HOUR },
      tracing: false,
    })
  })

  test('tells the log only', () => {
    expect(notifications).toEqual({ gather: 10 * SECOND, mail: null, webhooks: [] })
  })

  test('waits half a second for a feed, looks at leavers every 15 seconds and promises a minute', () => {
    expect(sources['hr']?.settle).toBe(500)
    expect(platforms['wiki']?.leaver.watch).toBe(15 * SECOND)
    expect(platforms['wiki']?.objectives).toEqual({ revoke: MINUTE })
  })
})

describe('what can be stated', () => {
  test('of the daemon', () => {
    const section = 'daemon: { listen: "[::]:80", full-pass: 10m, offboards: { most: 3, within: 1d }, tracing: true }'
    expect(settingsWith(section).daemon).toEqual({
      listen: { host: '::', port: 80 },
      fullPass: 10 * MINUTE,
      offboards: { most: 3, within: 24 * HOUR },
      tracing: true,
    })
    expect(settingsWith('daemon: { listen: off }').daemon.listen).toBeNull()
  })

  test('of leavers, objectives and feeds', () => {
    const { sources, platforms } = settingsWith(
      '',
      ['delete-after: never }', 'delete-after: never, watch: never }\n    objectives: { revoke: 5m }'],
      ['every: 1m', 'every: 10s\n    settle: 2s'],
    )
    expect(platforms['corp-ad']?.leaver).not.toHaveProperty('watch')
    expect(platforms['corp-ad']?.objectives).toEqual({ revoke: 5 * MINUTE })
    expect(sources['hr']).toMatchObject({ every: 10 * SECOND, settle: 2 * SECOND })
  })

  test('of earlier removals: for one platform, and what it does not say comes from the others', () => {
    const limit = 'removals: { max: 10%, above: 20 }'
    const general = settingsWith('', [limit, 'removals: { max: 10%, above: 20, within: 0s }']).safety.limits
    expect(general.default.removals).toEqual({ max: 0.1, above: 20, within: 0 })
    expect(general['wiki']?.removals).toEqual({ max: 0.025, above: 3, within: 0 })
    const own = settingsWith('', ['{ max: 2.5%, above: 3 }', '{ max: 2.5%, above: 3, within: 1d }']).safety.limits
    expect([own.default.removals.within, own['wiki']?.removals.within]).toEqual([HOUR, 24 * HOUR])
  })

  test('of mail, with the port that follows from the security', () => {
    const mail = (more: string) =>
      settingsWith(`notifications: { mail: { host: mx.example, from: k@corp.example, to: [a@corp.example]${more} } }`)
        .notifications.mail
    expect(mail('')).toEqual({
      host: 'mx.example',
      port: 587,
      security: 'starttls',
      from: 'k@corp.example',
      to: ['a@corp.example'],
    })
    expect(mail(', security: tls, ca: certs/x.pem, user: k, password: file:secrets/mail')).toMatchObject({
      port: 465,
      ca: '/etc/keyturn/certs/x.pem',
      user: 'k',
      password: 'file:/etc/keyturn/secrets/mail',
    })
    expect(mail(', port: 2525')).toMatchObject({ port: 2525 })
    expect(settingsWith('notifications: { mail: off, webhooks: [] }').notifications.mail).toBeNull()
  })

  test('of webhooks', () => {
    const section = `notifications:
  webhooks:
    - { url: 'https://alerts.example/keyturn', secret: env:HOOK }
    - { url: file:secrets/slack, shape: slack }
    - { url: 'http://127.0.0.1:8080/', secret: file:secrets/hook }`
    expect(settingsWith(section).notifications.webhooks).toEqual([
      { url: 'https://alerts.example/keyturn', shape: 'keyturn', secret: 'env:HOOK' },
      { url: 'file:/etc/keyturn/secrets/slack', shape: 'slack' },
      { url: 'http://127.0.0.1:8080/', shape: 'keyturn', secret: 'file:/etc/keyturn/secrets/hook' },
    ])
    expect(told([['version: 1\n', `version: 1\n${section}\n`]])).toEqual([])
  })
})
