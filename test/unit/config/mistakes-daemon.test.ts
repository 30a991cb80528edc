import { describe, expect, test } from 'vitest'
import { told } from './example.ts'

/** Problems of the example with these lines behind its first; they begin on line 2. */
const toldOf = (section: string) => told([['version: 1\n', `version: 1\n${section}\n`]])

const mail = (more: string) =>
  `notifications:\n  mail: { host: mx.example, from: k@corp.example, to: [a@corp.example], ${more} }`
const hook = (inside: string) => `notifications:\n  webhooks:\n    - { ${inside} }`

describe('mistakes in what the daemon does are told with place, what is given and what is allowed:', () => {
  test.each<{ name: string; section: string; expected: string[] }>([
    {
      name: 'a misspelt key of the daemon',
      section: 'daemon: { fullpass: 1h }',
      expected: [
        '2:11 daemon.fullpass: unknown key; allowed here are listen, full-pass, offboards, tracing | Did you mean "full-pass"?',
      ],
    },
    {
      name: 'a misspelt section',
      section: 'notification: { gather: 10s }',
      expected: [
        '2:1 notification: unknown key; allowed here are version, organisation, state, roles, sources, platforms, safety, daemon, notifications, retired | Did you mean "notifications"?',
      ],
    },
    {
      name: 'something given up that is still there',
      section: 'retired: { platforms: [old, wiki], sources: [hr] }',
      expected: [
        '2:29 retired.platforms[1]: wiki is retired, and has a section | Take one of the two away.',
        '2:46 retired.sources[0]: hr is retired, and has a section | Take one of the two away.',
      ],
    },
    {
      name: 'a full pass without rest',
      section: 'daemon: { full-pass: 30s }',
      expected: ['2:22 daemon.full-pass: "30s" is given, allowed is a duration from 1m to 7d such as 10m'],
    },
    {
      name: 'a full pass in words',
      section: 'daemon: { full-pass: hourly }',
      expected: ['2:22 daemon.full-pass: "hourly" is given, allowed is a duration from 1m to 7d such as 10m'],
    },
    {
      name: 'a port alone',
      section: 'daemon: { listen: 9464 }',
      expected: [
        '2:19 daemon.listen: 9464 is given, allowed is HOST:PORT such as 127.0.0.1:9464 or [::1]:9464, or off',
      ],
    },
    {
      name: 'an address without a port',
      section: 'daemon: { listen: 127.0.0.1 }',
      expected: [
        '2:19 daemon.listen: "127.0.0.1" is given, allowed is HOST:PORT such as 127.0.0.1:9464 or [::1]:9464, or off',
      ],
    },
    {
      name: 'no offboarding at all',
      section: 'daemon: { offboards: { most: 0 } }',
      expected: ['2:30 daemon.offboards.most: 0 is given, allowed is a whole number from 1 to 100000'],
    },
    {
      name: 'a mail server as an address',
      section: mail('').replace('mx.example', 'smtp://mx.example'),
      expected: [
        '3:17 notifications.mail.host: "smtp://mx.example" is given, allowed is the name of a mail server, without a scheme',
      ],
    },
    {
      name: 'nobody to write to',
      section: mail('').replace('[a@corp.example]', '[]'),
      expected: [
        '3:55 notifications.mail.to: an empty list is given, allowed is a list with at least one mail address',
      ],
    },
    {
      name: 'an address without a host',
      section: mail('').replace('[a@corp.example]', '[oncall]'),
      expected: [
        '3:56 notifications.mail.to[0]: "oncall" is given, allowed is a mail address such as it-oncall@corp.example',
      ],
    },
    {
      name: 'two senders',
      section: mail('').replace('k@corp.example', '"k@corp.example, l@corp.example"'),
      expected: [
        '3:35 notifications.mail.from: "k@corp.example, l@corp.example" is given, allowed is one mail address such as keyturn@corp.example or "Keyturn <keyturn@corp.example>"',
      ],
    },
    {
      name: 'mail to another machine without TLS',
      section: mail('security: none'),
      expected: [
        '3:83 notifications.mail.security: none is given, which would send to another machine (mx.example) readable; allowed is tls or starttls',
      ],
    },
    {
      name: 'mail to this machine without TLS, which is allowed',
      section: mail('security: none').replace('mx.example', 'localhost'),
      expected: [],
    },
    {
      name: 'a user without a password',
      section: mail('user: k'),
      expected: ['3:73 notifications.mail.user: user is given without password | Write password: env:NAME.'],
    },
    {
      name: 'a password without a user',
      section: mail('password: env:MAIL'),
      expected: ['3:73 notifications.mail.password: password is given without user'],
    },
    {
      name: 'a word for mail that does not exist',
      section: 'notifications: { mail: of }',
      expected: [
        '2:24 notifications.mail: "of" is given, allowed is off; or a mapping (key: value) | Did you mean "off"?',
      ],
    },
    {
      name: 'the address of a Slack webhook',
      section: hook('url: https://hooks.example/T0/B0/xyz, shape: slack'),
      expected: [
        '4:14 notifications.webhooks[0].url: an address is given, which is itself the secret with shape: slack; allowed is env:NAME or file:PATH | Put the address into a variable or a file (chmod 600), and write env:NAME or file:PATH.',
      ],
    },
    {
      name: 'the address of a Teams webhook',
      section: hook('url: https://hooks.example/T0/B0/xyz, shape: teams'),
      expected: [
        '4:14 notifications.webhooks[0].url: an address is given, which is itself the secret with shape: teams; allowed is env:NAME or file:PATH | Put the address into a variable or a file (chmod 600), and write env:NAME or file:PATH.',
      ],
    },
    {
      name: 'a webhook over plain http:// on another machine',
      section: hook('url: http://alerts.example/x, secret: env:HOOK'),
      expected: ['4:14 notifications.webhooks[0].url: plain http:// to another machine is given, allowed is https://'],
    },
    {
      name: 'a webhook with a password in its address',
      section: hook('url: https://a:b@alerts.example/x, secret: env:HOOK'),
      expected: [
        '4:14 notifications.webhooks[0].url: the address holds a password, allowed is a reference to the whole address | Put the address into a variable or a file (chmod 600), and write env:NAME or file:PATH.',
      ],
    },
    {
      name: 'a webhook that is no address',
      section: hook('url: alerts.example, secret: env:HOOK'),
      expected: [
        '4:14 notifications.webhooks[0].url: a text that is no web address is given, allowed is https://…, env:NAME or file:PATH',
      ],
    },
    {
      name: 'a reference to nothing',
      section: hook('url: "env:", secret: env:HOOK'),
      expected: [
        '4:14 notifications.webhooks[0].url: a reference without a name is given, allowed is env:NAME or file:PATH',
      ],
    },
    {
      name: 'messages that nobody can verify',
      section: hook('url: https://alerts.example/x'),
      expected: [
        '4:14 warning: notifications.webhooks[0].url: no secret is given: the receiver cannot tell who wrote a message | Write secret: env:NAME; each message is then signed with it.',
      ],
    },
    {
      name: 'a shape that does not exist',
      section: hook('url: env:HOOK, shape: slak'),
      expected: [
        '4:31 notifications.webhooks[0].shape: "slak" is given, allowed is keyturn, slack or teams | Did you mean "slack"?',
      ],
    },
    {
      name: 'a misspelt key of a webhook',
      section: hook('urls: env:HOOK, shape: slack'),
      expected: [
        '4:7 notifications.webhooks[0].url: is missing; needed is https://…, env:NAME or file:PATH',
        '4:9 notifications.webhooks[0].urls: unknown key; allowed here are url, shape, secret | Did you mean "url"?',
      ],
    },
  ])('$name', ({ section, expected }) => {
    expect(toldOf(section)).toEqual(expected)
  })

  test.each<{ name: string; change: [string, string]; expected: string }>([
    {
      name: 'leavers that are looked at without rest',
      change: ['delete-after: never }', 'delete-after: never, watch: 0s }'],
      expected:
        '56:128 platforms.corp-ad.leaver.watch: "0s" is given, allowed is a duration from 1s to 1d such as 30s, or never',
    },
    {
      name: 'an objective that is no duration',
      change: ['rate: 50/s }', 'rate: 50/s }\n    objectives: { revoke: fast }'],
      expected:
        '59:27 platforms.corp-ad.objectives.revoke: "fast" is given, allowed is a duration from 1s to 7d such as 30s',
    },
    {
      name: 'a feed that must be quiet for a day',
      change: ['every: 1m', 'every: 1m\n    settle: 1d'],
      expected: '10:13 sources.hr.settle: "1d" is given, allowed is a duration from 0s to 1h such as 30s',
    },
    {
      name: 'a feed that nobody looks at',
      change: ['every: 1m', 'every: 4w'],
      expected: '9:12 sources.hr.every: "4w" is given, allowed is a duration from 1s to 7d such as 30s',
    },
    {
      name: 'tries without a wait',
      change: ['rate: 50/s }', 'rate: 50/s }\n    retry: { revoke: { first: 0s } }'],
      expected:
        '59:31 platforms.corp-ad.retry.revoke.first: "0s" is given, allowed is a duration from 10ms to 7d such as 30s',
    },
    {
      name: 'a longest wait that is shorter than the first',
      change: ['rate: 50/s }', 'rate: 50/s }\n    retry: { change: { first: 5m, most: 30s } }'],
      expected: '59:41 platforms.corp-ad.retry.change.most: "30s" is given, allowed is first (5m) or more',
    },
    {
      name: 'a time for limits that have none',
      change: ['creations: { max: 20%, above: 50 }', 'creations: { max: 20%, above: 50, within: 1h }'],
      expected: '77:39 safety.limits.creations.within: unknown key; allowed here are max, above',
    },
    {
      name: 'a misspelt time of a limit',
      change: ['removals: { max: 10%, above: 20 }', 'removals: { max: 10%, above: 20, withn: 1h }'],
      expected:
        '76:38 safety.limits.removals.withn: unknown key; allowed here are max, above, within | Did you mean "within"?',
    },
  ])('$name', ({ change, expected }) => {
    expect(told([change])).toEqual([expected])
  })
})
