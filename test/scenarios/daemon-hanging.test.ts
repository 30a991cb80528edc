// One platform hangs, takes connections and answers nothing: the others do not feel it.
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { startSlapd } from '../servers/slapd.ts'
import { Crowd, chance, crowdSettings, idsOf } from './crowd.ts'
import { Daemon } from './daemon.ts'
import { Company } from './keyturn.ts'
import type { Settings } from './settings.ts'
import { isShutOut, settled, truth, untilShutOut } from './truth.ts'

const roles = {
  employee: { accounts: ['directory', 'wiki'], entitlements: { directory: ['staff'], wiki: ['staff'] } },
  sales: { when: 'person.department == "Sales"', entitlements: { directory: ['sales'] } },
  engineer: { when: 'person.department == "Engineering"', entitlements: { directory: ['engineers'] } },
}

test('a leaver is shut out on the healthy platform while another hangs, and there when it answers again', async () => {
  await using server = await startSlapd({ ppolicy: 'lockout' })
  await using hanging = await startSlapd({ ppolicy: 'lockout' })
  await using wiki = await Company.found(hanging)
  await using company = await Company.found(server, { roles })
  await company.configure({ ...crowdSettings, platforms: { wiki: await platformOf(wiki) } })
  const crowd = new Crowd(company, chance(61))
  crowd.join(60)
  await crowd.write()
  await using daemon = await Daemon.start(company)
  await settled(company, crowd.people, () => daemon.tail())

  hanging.freeze()
  crowd.join(20)
  const gone = crowd.leave(5, 0.5)
  await crowd.write()
  await untilShutOut(company, idsOf(gone), daemon)
  // A feed that must be read as a whole, since somebody is new, does not wait for the pass that waits for the other platform.
  await daemon.says('a pass is begun')
  crowd.join(1)
  const next = crowd.leave(1, 0.5)
  const written = performance.now()
  await crowd.write()
  await untilShutOut(company, idsOf(next), daemon)
  expect(performance.now() - written).toBeLessThan(5_000)
  await daemon.says('a platform does not answer: its changes wait, its revocations are tried on')
  // Somebody who leaves when that is known is not waited for either.
  const late = crowd.leave(1, 0.5)
  await crowd.write()
  await untilShutOut(company, idsOf(late), daemon)
  hanging.thaw()
  const thawed = performance.now()
  await settled(company, crowd.people, () => daemon.tail())
  // Far below the minute after which it is looked in any case.
  expect(performance.now() - thawed).toBeLessThan(20_000)
  for (const id of idsOf([...gone, ...next, ...late])) {
    expect({ id, out: await isShutOut(wiki, id) }).toEqual({ id, out: true })
  }
  expect(await wiki.accounts('objectClass', 'inetOrgPerson')).toHaveLength(81)
  expect(await wiki.members('staff')).toHaveLength(74)
  expect(await truth(company, crowd.people)).toEqual([])
})

/** The platform of another company, to be one more of this one; its passwords are handed over to its own desk. */
async function platformOf(company: Company): Promise<Settings> {
  const { platforms } = parse(await readFile(company.path('keyturn.yaml'), 'utf8')) as {
    platforms: { directory: Settings }
  }
  return {
    ...platforms.directory,
    delivery: { ...(platforms.directory['delivery'] as Settings), folder: 'handover-wiki' },
  }
}
