// Nobody joins or leaves for weeks; that a platform cannot be worked with any more is noticed all the same.
import { Attribute, Change, Client } from 'ldapts'
import { describe, expect, test } from 'vitest'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { minute } from './clock.ts'
import type { Daemon, LogLine } from './daemon.ts'
import { Company } from './keyturn.ts'
import { staff } from './settings.ts'
import { running } from './truth.ts'

const isDown = 'a platform does not answer: its changes wait, its revocations are tried on'
const isUp = 'a platform answers again'

/** Somebody has changed the password of Keyturn's own account. */
async function setPassword(server: Slapd, password: string): Promise<void> {
  const client = new Client({ url: server.plainUrl })
  await client.bind(server.root.dn, server.root.password)
  const modification = new Attribute({ type: 'userPassword', values: [password] })
  await client.modify(server.service.dn, new Change({ operation: 'replace', modification }))
  await client.unbind()
}

/** A daemon that has nothing to do, and never will. */
async function idleDaemon(company: Company): Promise<Daemon> {
  const daemon = await running(company, staff(2))
  await daemon.until('the process for changes has ended', async () => (await daemon.children('changes')).length === 0)
  return daemon
}

const config = { daemon: { listen: 'off' }, sources: { hr: { every: '7d' } } }

async function tells(daemon: Daemon, message: string, from: number): Promise<LogLine> {
  const said = async () => daemon.log.slice(from).find(({ msg }) => msg === message)
  return daemon.until(`it says "${message}"`, said, 1.2 * minute)
}

describe.concurrent('while nobody joins or leaves', { timeout: 4 * minute }, () => {
  test('a platform that dies is told, and so is its return', async () => {
    await using server = await startSlapd({ tls: false })
    await using company = await Company.found(server, { config })
    await using daemon = await idleDaemon(company)
    let from = daemon.log.length
    await server.kill()
    expect(await tells(daemon, isDown, from)).toMatchObject({ platform: 'directory', code: 'platform-unreachable' })
    await daemon.until('it is a notice', async () =>
      daemon.log.slice(from).find(({ kind }) => kind === 'platform-down'),
    )
    from = daemon.log.length
    await server.start()
    await tells(daemon, isUp, from)
    expect(await daemon.stop()).toBe(0)
  })

  test('a platform that refuses our password is told, and so is that it takes it again', async () => {
    await using server = await startSlapd({ tls: false })
    await using company = await Company.found(server, { config })
    await using daemon = await idleDaemon(company)
    let from = daemon.log.length
    await setPassword(server, 'another-one')
    expect(await tells(daemon, isDown, from)).toMatchObject({ platform: 'directory', code: 'platform-sign-in-refused' })
    from = daemon.log.length
    await setPassword(server, server.service.password)
    await tells(daemon, isUp, from)
    expect(await daemon.stop()).toBe(0)
  })
})
