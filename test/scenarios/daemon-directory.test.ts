// The directory itself dies and comes back, or stands still: everything is done when it answers again, once.
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startSlapd } from '../servers/slapd.ts'
import { Crowd, chance, crowdSettings } from './crowd.ts'
import { Daemon } from './daemon.ts'
import { Company } from './keyturn.ts'
import { settled, truth } from './truth.ts'

const many = 300

// Two servers and two companies: they wait side by side.
test.concurrent('slapd killed and restarted in the middle of a burst, again and again, while people leave', async () => {
  await using server = await startSlapd({ ppolicy: 'lockout' })
  await using company = await Company.found(server, { config: crowdSettings })
  const random = chance(31)
  const crowd = new Crowd(company, random)
  crowd.join(many)
  await crowd.write()
  await using daemon = await Daemon.start(company)
  for (let times = 0; times < 6; times++) {
    crowd.join(30)
    crowd.leave(2)
    await crowd.write()
    await pause(random() * 1_500)
    await server.kill()
    const from = daemon.log.length
    crowd.leave(1)
    await crowd.write()
    await pause(random() * 1_500)
    await server.start()
    await company.reconnect()
    await daemon.says('account changed', { from })
  }
  // Long enough that it is asked as rarely as ever; only joiners wait for it.
  await server.kill()
  crowd.join(30)
  await crowd.write()
  await pause(15_000)
  await server.start()
  const back = Date.now()
  await company.reconnect()
  await workGoesOn(daemon, back)
  await settled(company, crowd.people, () => daemon.tail())
  expect(await truth(company, crowd.people)).toEqual([])
})

test.concurrent('slapd frozen for half a minute in the middle of a burst, while people leave', async () => {
  await using server = await startSlapd({ ppolicy: 'lockout' })
  await using company = await Company.found(server, { config: crowdSettings })
  const crowd = new Crowd(company, chance(32))
  crowd.join(many)
  await crowd.write()
  await using daemon = await Daemon.start(company)
  await daemon.says('account changed')
  server.freeze()
  const gone = crowd.leave(5)
  await crowd.write()
  await pause(30_000)
  const thawed = Date.now()
  server.thaw()
  await workGoesOn(daemon, thawed)
  await settled(company, crowd.people, () => daemon.tail())
  expect(gone).toHaveLength(5)
  expect(await truth(company, crowd.people)).toEqual([])
})

/** Within five seconds after the platform was back. */
async function workGoesOn(daemon: Daemon, since: number): Promise<void> {
  const isSince = ({ time }: { readonly time: string }) => Date.parse(time) >= since
  await daemon.until('work goes on', async () =>
    daemon.log.some((line) => line.msg === 'account changed' && isSince(line)),
  )
  const begun = daemon.log.find((line) => line.msg === 'account changed' && isSince(line))
  expect(Date.parse(begun?.time ?? '') - since).toBeLessThan(5_000)
}
