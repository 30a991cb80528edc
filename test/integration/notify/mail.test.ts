import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { secrets } from '../../../src/config/secrets.ts'
import type { MailSettings } from '../../../src/model/settings.ts'
import { openNotifier } from '../../../src/notify/index.ts'
import { makeCertificates } from '../../servers/certificates.ts'
import type { Certificates } from '../../servers/certificates.ts'
import { freePort } from '../../servers/ports.ts'
import { down, many, noon, notebook } from '../../unit/notify/samples.ts'
import { until } from '../queue/support.ts'
import { startMailServer } from './servers.ts'

let folder: string
let certificates: Certificates
let stranger: Certificates
const account = { user: 'keyturn', password: 'mail-password-of-tests' }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyturn-mail-'))
  certificates = await makeCertificates(folder)
  const other = await mkdtemp(join(folder, 'stranger-'))
  stranger = await makeCertificates(other)
  await writeFile(join(folder, 'password'), `${account.password}\n`)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function settings(port: number, security: MailSettings['security'], changes: Partial<MailSettings> = {}): MailSettings {
  const [from, to] = ['Keyturn <keyturn@corp.example>', ['it@corp.example', 'night@corp.example']]
  return { host: '127.0.0.1', port, security, ca: certificates.ca, from, to, ...changes }
}

/** Tells the news to a notifier with this channel alone and closes it. */
async function tell(mail: MailSettings, { waits = [], attempt = 20_000 }: { waits?: number[]; attempt?: number } = {}) {
  const logger = notebook()
  const patience = { waits, attempt, closing: 10_000 }
  const tools = { secrets: secrets({}), logger, clock: () => noon, patience }
  await using notifier = openNotifier({ gather: 60_000, mail, webhooks: [] }, tools)
  notifier.tell({ begun: [...many(1_000), down('corp-ad')], over: [down('wiki')] })
  return { problems: () => logger.lines.filter(({ message }) => message.includes('not delivered')) }
}

describe('a mail', () => {
  test.each(['tls', 'starttls'] as const)(
    'goes by %s to everybody, signed in with the password of the file',
    async (security) => {
      await using server = await startMailServer({ security, certificates, account })
      const password = `file:${join(folder, 'password')}` as const
      const { problems } = await tell(settings(server.port, security, { user: account.user, password }))
      expect(problems()).toEqual([])
      expect(server.mails).toHaveLength(1)
      const [mail] = server.mails
      expect(mail).toMatchObject({ from: 'keyturn@corp.example', user: account.user, secure: true })
      expect(mail?.to).toEqual(['it@corp.example', 'night@corp.example'])
    },
  )

  test('holds a thousand notices as twenty lines and a number, and says how to look', async () => {
    await using server = await startMailServer({ security: 'none', certificates })
    await tell(settings(server.port, 'none'))
    expect(server.mails).toHaveLength(1)
    // Quoted-printable: a long line is broken anywhere (RFC 2045, section 6.7).
    const text = (server.mails[0]?.text ?? '').replaceAll('=\r\n', '')
    expect(text.replaceAll(/\r\n\s+/g, ' ')).toContain(
      'Subject: Keyturn: 1,000 revocations late, 1 platform down; over again: 1 platform down',
    )
    expect(text).toContain('Auto-Submitted: auto-generated')
    expect(text).toContain('X-Priority: 1')
    expect(text).toMatch(/^Content-Type: text\/plain/m)
    expect(text.match(/^- hr:/gm)).toHaveLength(20)
    expect(text).toContain('- and 980 more')
    expect(text).toContain('keyturn status')
  })

  test('is never sent over a connection whose certificate nobody vouches for', async () => {
    for (const security of ['tls', 'starttls'] as const) {
      await using server = await startMailServer({ security, certificates: stranger })
      const { problems } = await tell(settings(server.port, security))
      expect(server.mails).toEqual([])
      expect(problems()).toMatchObject([{ level: 'error', fields: { error: expect.stringMatching(/certificate/) } }])
    }
  })

  test('is never sent in the clear where STARTTLS is demanded and the server has none', async () => {
    await using server = await startMailServer({ security: 'none', certificates })
    const { problems } = await tell(settings(server.port, 'starttls'))
    expect(server.mails).toEqual([])
    expect(problems()).toHaveLength(1)
  })

  test('says what the server said when the password is wrong, without the password', async () => {
    await using server = await startMailServer({ security: 'tls', certificates, account })
    await writeFile(join(folder, 'wrong'), 'a-wrong-password-of-tests')
    const mail = settings(server.port, 'tls', { user: account.user, password: `file:${join(folder, 'wrong')}` })
    const { problems } = await tell(mail, { waits: [1, 1] })
    expect(problems()).toMatchObject([{ level: 'error', fields: { tries: 1, error: expect.stringContaining('535') } }])
    expect(JSON.stringify(problems())).not.toContain('a-wrong-password-of-tests')
  })

  test('is given up when the server refuses it for good, and names what was not told', async () => {
    await using server = await startMailServer({ security: 'none', certificates, answer: { code: 554, text: 'no' } })
    const { problems } = await tell(settings(server.port, 'none'), { waits: [1, 1] })
    const subject = expect.stringContaining('1,000 revocations late')
    expect(problems()).toMatchObject([{ level: 'error', fields: { tries: 1, subject, code: 'value-refused' } }])
  })

  test('is told to the log when its password cannot be read', async () => {
    const { problems } = await tell(settings(1, 'tls', { user: 'keyturn', password: 'env:KEYTURN_NO_SUCH' }))
    expect(problems()).toMatchObject([{ level: 'error', fields: { code: 'secret-unavailable' } }])
  })
})

test('mail in the clear to another machine is refused at the start', () => {
  const mail = settings(25, 'none', { host: 'mail.corp.example' })
  const tools = { secrets: secrets({}), logger: notebook(), clock: () => noon }
  expect(() => openNotifier({ gather: 1, mail, webhooks: [] }, tools)).toThrow(/mail\.corp\.example.*in the clear/)
})

test('a mail server that is down while the news come gets them when it is back, as the same message', async () => {
  const port = await freePort()
  const logger = notebook()
  const patience = { waits: Array<number>(200).fill(50), attempt: 20_000, closing: 10_000 }
  const tools = { secrets: secrets({}), logger, clock: () => noon, patience }
  await using notifier = openNotifier({ gather: 1, mail: settings(port, 'none'), webhooks: [] }, tools)
  notifier.tell({ begun: many(3), over: [] })
  await until('a try has failed', () => logger.lines.some(({ message }) => message.includes('tried again')))
  expect(JSON.stringify(logger.lines)).toContain('ECONNREFUSED')
  await using back = await startMailServer({ security: 'none', certificates, port })
  await until('the mail has come', () => back.mails.length > 0)
  expect(back.mails).toHaveLength(1)
})

test('a mail server that accepts and then says nothing is left after the time of one try', async () => {
  const sockets: Socket[] = []
  const silent = createServer((socket) => sockets.push(socket))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as AddressInfo
  const { problems } = await tell(settings(port, 'none'), { attempt: 100 })
  expect(problems()).toMatchObject([
    { level: 'error', fields: { error: expect.stringContaining('no answer in time') } },
  ])
  for (const socket of sockets) socket.destroy()
  silent.close()
})
