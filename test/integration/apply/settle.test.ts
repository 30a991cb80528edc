import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { expect, onTestFinished, test } from 'vitest'
import { openDeliveries } from '../../../src/apply/delivery.ts'
import { passwordRules } from '../../../src/apply/password.ts'
import type { PersonView, SettlePorts, WorkerView } from '../../../src/apply/ports.ts'
import { openSealer } from '../../../src/apply/seal.ts'
import { settle } from '../../../src/apply/settle.ts'
import { openLedger } from '../../../src/ledger/index.ts'
import type { Change } from '../../../src/model/change.ts'
import type { IdentityId } from '../../../src/model/identity.ts'
import { DAY } from '../../../src/model/instant.ts'
import { startSlapd } from '../../servers/slapd.ts'
import { changesFor, nameOf, type Shape, type Wish } from '../../unit/apply/planner.ts'
import { ldapHarness, open, signIn } from '../connectors/ldap-harness.ts'
import { intake, person } from '../ledger/samples.ts'
import { notes } from '../queue/support.ts'

/** A real ledger, a real directory and a real hand-over folder around `settle`; only the planner is small. */
async function company() {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-settle-'))
  const stack = new AsyncDisposableStack()
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  onTestFinished(() => stack.disposeAsync())
  const server = await startSlapd({ ppolicy: 'lockout' })
  const harness = stack.use(ldapHarness({ server, shutByHand: {} }))
  const connector = stack.use(open(server))
  const ledger = stack.use(await openLedger(`sqlite:${join(folder, 'keyturn.db')}`))
  const sealer = stack.use(openSealer(1))
  const key = await generateX25519Identity()
  const handover = join(folder, 'handover')
  const recipients = [await identityToRecipient(key)]
  const delivery = { kind: 'age-file', folder: handover, recipients, expiresAfter: DAY } as const
  const signal = new AbortController().signal
  const wishes = new Map<IdentityId, Wish>()
  const shape: Shape = {
    container: server.people,
    attributes: (identity, { title }) => ({ employeeNumber: [identity], title: [title], displayName: [identity] }),
  }

  const observe = async (identities: readonly IdentityId[]): Promise<WorkerView> => {
    const links = new Map((await ledger.links('corp', identities)).map((link) => [link.identity, link]))
    const matches = (identity: IdentityId) => [{ attribute: 'employeeNumber', value: identity }]
    const refs = identities.map((identity) => {
      const link = links.get(identity)
      return link === undefined ? { name: nameOf(identity), matches: matches(identity) } : { nativeId: link.nativeId }
    })
    const read = await connector.read(refs, signal)
    if (!read.complete) throw read.cause
    const people = identities.map((identity): readonly [IdentityId, PersonView] => [
      identity,
      {
        link: links.get(identity) ?? null,
        accounts: read.items.filter((account) => account.attributes['employeeNumber']?.includes(identity) === true),
        matches: matches(identity),
        names: [nameOf(identity)],
      },
    ])
    const passwords = passwordRules({ readable: true, mustChange: false }, await connector.passwordPolicy(signal))
    return { people: new Map(people), passwords }
  }
  const needed = (view: WorkerView, identities: readonly IdentityId[]) =>
    new Map(
      identities.map((identity): readonly [IdentityId, readonly Change[]] => {
        const person = view.people.get(identity)
        const wish = wishes.get(identity)
        return [identity, person === undefined || wish === undefined ? [] : changesFor(identity, person, wish, shape)]
      }),
    )
  const log = notes()
  const ports: SettlePorts = {
    platform: 'corp',
    ledger,
    connector,
    worker: 'w',
    leaseMs: 5_000,
    clock: Date.now,
    logger: log,
    signal,
    deliveries: await openDeliveries('corp', delivery, sealer, Date.now),
    mustChange: false,
    scrambled: new Map(),
    retry: { revoke: { first: 100, most: 1_000 }, change: { first: 100, most: 1_000, attempts: 5 } },
    random: Math.random,
    observe: (claimed) => observe(claimed.map(({ identity }) => identity)),
    needed: (view, claimed) =>
      needed(
        view,
        claimed.map(({ identity }) => identity),
      ),
  }
  const plan = async () => {
    const identities = [...wishes.keys()]
    await ledger.saveIntake(intake(identities.map((identity) => person(identity.slice('hr:'.length)))), 'story-1')
    const changes = [...needed(await observe(identities), identities).values()].flat()
    const about = { madeAt: Date.now(), policyVersion: 'test', population: {}, withheld: [], situations: {}, notes: [] }
    const { pointers } = await ledger.admit({
      plan: { id: 'f'.repeat(64), changes, ...about },
      correlation: 'story-1',
      operator: 'ada',
      now: Date.now(),
      effectiveAt: new Map(),
      heldRoles: [],
    })
    return pointers
  }
  const letters = async () => {
    const files = await readdir(handover)
    return await Promise.all(
      files.map(async (name) => {
        const decrypter = new Decrypter()
        decrypter.addIdentity(key)
        const text = await decrypter.decrypt(await readFile(join(handover, name)), 'text')
        return { account: /^Account: (.*)$/m.exec(text)?.[1], password: /^Password: (.*)$/m.exec(text)?.[1] ?? '' }
      }),
    )
  }
  return { server, harness, connector, ledger, wishes, ports, plan, letters, log, folder }
}

test('a hundred people join a directory, can sign in with what was handed over, and one who leaves is refused', async () => {
  const { server, harness, connector, ledger, wishes, ports, plan, letters, log, folder } = await company()
  await harness.makeGroup('staff')
  await connector.catalogue(ports.signal)
  const ids = Array.from({ length: 100 }, (_, index) => `hr:${index}`)
  for (const identity of ids) {
    wishes.set(identity, {
      state: 'open',
      title: 'Clerk',
      groups: ['staff'],
      ...(identity === 'hr:0' ? {} : { manager: 'hr:0' }),
    })
  }
  const joined = await settle(await plan(), ports)
  expect(joined.obligations.filter(({ state }) => state !== 'settled')).toEqual([])
  expect(await harness.membersOf('staff', [])).toMatchObject({ count: 100 })
  const handed = await letters()
  expect(handed).toHaveLength(100)
  const mine = handed.find(({ account }) => account === 'person7')
  const address = (await ledger.linksOf('hr:7'))[0]?.address ?? ''
  expect(await signIn(server, address, mine?.password ?? '')).toBe(true)
  expect(await plan()).toEqual([])

  wishes.set('hr:7', { state: 'shut', title: 'Clerk', groups: [] })
  const left = await settle(await plan(), ports)
  expect(left.obligations).toMatchObject([
    { state: 'settled', lane: 'revoke', proof: { grade: 'refused', resultCode: 49 } },
  ])
  expect(await signIn(server, address, mine?.password ?? '')).toBe(false)
  expect(await harness.membersOf('staff', [address])).toEqual({ count: 99, among: [] })
  expect(await plan()).toEqual([])

  const records = await ledger.auditOf('hr:7', 100)
  expect(records.map(({ action }) => action)).toEqual(
    expect.arrayContaining(['create', 'grant', 'disable', 'step', 'proof']),
  )
  const told = [log.lines.join('\n'), JSON.stringify(records)]
  for (const name of await readdir(folder)) {
    if (name.startsWith('keyturn.db')) told.push(await readFile(join(folder, name), 'latin1'))
  }
  const secrets = [...handed.map(({ password }) => password), ...ports.scrambled.values()]
  expect(secrets.filter((secret) => told.some((text) => text.includes(secret)))).toEqual([])
})

test('a person who comes back is let in with a new password only', async () => {
  const { server, ledger, wishes, ports, plan, letters } = await company()
  wishes.set('hr:1', { state: 'open', title: 'Clerk', groups: [] })
  await settle(await plan(), ports)
  const [old] = await letters()
  wishes.set('hr:1', { state: 'shut', title: 'Clerk', groups: [] })
  await settle(await plan(), ports)
  wishes.set('hr:1', { state: 'open', title: 'Clerk', groups: [] })
  const back = await settle(await plan(), ports)
  expect(back.obligations).toMatchObject([{ state: 'settled' }])
  const address = (await ledger.linksOf('hr:1'))[0]?.address ?? ''
  const fresh = (await letters()).find(({ password }) => password !== old?.password)
  expect(await signIn(server, address, old?.password ?? '')).toBe(false)
  expect(await signIn(server, address, fresh?.password ?? '')).toBe(true)
  expect(await plan()).toEqual([])
})

test('a directory that is away puts everybody off, and the next try brings them in', async () => {
  const { server, wishes, ports, plan, connector } = await company()
  for (let i = 0; i < 10; i += 1) wishes.set(`hr:${i}`, { state: 'open', title: 'Clerk', groups: [] })
  const pointers = await plan()
  await server.kill()
  const away = await settle(pointers, ports)
  expect(away.obligations.map(({ state }) => state)).toEqual(Array(10).fill('retry'))
  await server.start()
  const later = await settle(pointers, { ...ports, clock: () => Date.now() + 2_000 })
  expect(later.obligations.map(({ state }) => state)).toEqual(Array(10).fill('settled'))
  const read = await connector.read('all', ports.signal)
  expect(read).toMatchObject({ complete: true, items: { length: 10 } })
})
