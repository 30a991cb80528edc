// What a company must look like after any trouble: the directory itself is asked, then the record, then the command line.
import { readdir } from 'node:fs/promises'
import type { Entry } from 'ldapts'
import type { Person } from '../../src/demo/people.ts'
import { openLedger } from '../../src/ledger/index.ts'
import type { AuditRecord, ObligationStatus } from '../../src/model/ledger.ts'
import { Daemon, eventually } from './daemon.ts'
import { locked } from './keyturn.ts'
import type { Company } from './keyturn.ts'
import { historyOf, isDoubtful, missingIn } from './record.ts'
import type { History } from './record.ts'

/** Sign-ins that are tried at once. */
const atOnce = 16

export interface TruthOptions {
  /** Groups by the department that gets them; everybody is in `staff`. */
  readonly groups?: Readonly<Record<string, string>>
  /** False: the ledger was restored from a backup, and cannot know what was done since. */
  readonly remembers?: boolean
}

const usualGroups = { Sales: 'sales', Engineering: 'engineers' }

/** Everything that is otherwise than this feed says, one sentence each; empty where all is right. */
export async function truth(
  company: Company,
  people: readonly Person[],
  { groups = usualGroups, remembers = true }: TruthOptions = {},
): Promise<readonly string[]> {
  const accounts = await accountsOf(company)
  const record = await historyOf(ledgerOf(company))
  return [
    ...doubles(accounts, people),
    ...people.flatMap((one) => stateOf(one, accounts.get(one.employee_id) ?? [], company)),
    ...(await memberships(company, people, accounts, groups)),
    ...(await signIns(company, people, accounts, record)),
    ...(remembers ? people : []).flatMap((one) =>
      missingIn(record, one, accounts.get(one.employee_id)?.[0], groupsOf(one, groups)),
    ),
    ...(await standing(company)),
  ]
}

/** Waits until the last feed is taken in and nothing is owed, marked or claimed any more. */
export async function settled(
  company: Company,
  people: readonly Person[],
  why: () => string = () => '',
  ms?: number,
): Promise<void> {
  await using ledger = await openLedger(ledgerOf(company), { readOnly: true })
  const left = new Set(people.filter(({ status }) => status === 'Left').map((one) => `hr:${one.employee_id}`))
  let last = ''
  await eventually(
    'everything is settled',
    async () => {
      const known = await ledger.identities('hr')
      const gone = known.filter(({ id, state }) => left.has(id) && state === 'left')
      // What is marked may become owed between two questions, and the other way round: so the first one is asked again.
      const marksBefore = await ledger.marked(10)
      const counts = await ledger.openCounts()
      const marks = [...marksBefore, ...(await ledger.marked(10))]
      last = JSON.stringify({ known: known.length, gone: gone.length, of: left.size, counts, marks })
      const isTaken = known.length === people.length && gone.length === left.size
      return isTaken && marks.length === 0 && counts.every(({ owed, waiting }) => owed + waiting === 0)
    },
    () => `${last}\n${why()}`,
    ms,
  )
}

/** Starts a daemon on this feed and waits until everybody has what is due and nothing is owed. */
export async function running(company: Company, people: readonly Person[]): Promise<Daemon> {
  await company.feed(people)
  const daemon = await Daemon.start(company)
  await settled(company, people, () => daemon.tail())
  return daemon
}

/** Waits until nobody can sign in as any of these people. */
export async function untilShutOut(
  company: Company,
  ids: readonly string[],
  daemon: Daemon | null,
  ms?: number,
): Promise<void> {
  const why = () => daemon?.tail() ?? ''
  for (const id of ids) await eventually(`${id} is shut out`, () => isShutOut(company, id), why, ms)
}

/** Nobody can sign in as this person: there is no account, or it is shut. */
export async function isShutOut(company: Company, id: string): Promise<boolean> {
  const account = await company.account(id)
  return account === null || isShut(account)
}

/** What the ledger has about this person, the oldest first. */
export async function auditOf(company: Company, id: string): Promise<readonly AuditRecord[]> {
  await using ledger = await openLedger(ledgerOf(company), { readOnly: true })
  return (await ledger.auditOf(`hr:${id}`, 1_000)).toReversed()
}

/** What is or was owed for this person on each platform. */
export async function obligationsOf(company: Company, id: string): Promise<readonly ObligationStatus[]> {
  await using ledger = await openLedger(ledgerOf(company), { readOnly: true })
  return await ledger.obligations({ identity: `hr:${id}` })
}

export function ledgerOf(company: Company): string {
  return company.ledger
}

type Accounts = ReadonlyMap<string, readonly Entry[]>

async function accountsOf(company: Company): Promise<Accounts> {
  const all = await company.accounts('objectClass', 'inetOrgPerson')
  return Map.groupBy(all, (one) => String(one['employeeNumber']))
}

function doubles(accounts: Accounts, people: readonly Person[]): readonly string[] {
  const known = new Set(people.map((one) => one.employee_id))
  return [...accounts].flatMap(([id, some]) => [
    ...(some.length > 1 ? [`${id} has ${some.length} accounts: ${some.map(({ dn }) => dn).join(' and ')}`] : []),
    ...(known.has(id) ? [] : [`nobody is ${id}, whose account is ${some[0]?.dn}`]),
  ])
}

function isShut(account: Entry): boolean {
  return account['pwdAccountLockedTime'] === locked
}

function stateOf(
  { employee_id: id, status }: Person,
  [account]: readonly Entry[],
  company: Company,
): readonly string[] {
  if (status === 'Left') {
    if (account === undefined) return []
    return [
      ...(isShut(account) ? [] : [`${id} left and is not shut`]),
      ...(account.dn.endsWith(company.leavers) ? [] : [`${id} left and stands at ${account.dn}`]),
    ]
  }
  if (account === undefined) return [`${id} stays and has no account`]
  const isAway = status === 'Leave'
  return [
    ...(isShut(account) === isAway ? [] : [isAway ? `${id} is away and not shut` : `${id} stays and is shut`]),
    ...(account.dn.endsWith(company.people) ? [] : [`${id} stays and stands at ${account.dn}`]),
  ]
}

function groupsOf({ status, department }: Person, groups: Readonly<Record<string, string>>): readonly string[] {
  if (status === 'Left') return []
  const own = groups[department]
  return own === undefined ? ['staff'] : ['staff', own]
}

/** Both ways: nobody who left is in a group, and nobody who stays lost one. */
async function memberships(
  company: Company,
  people: readonly Person[],
  accounts: Accounts,
  groups: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const wrong: string[] = []
  for (const group of new Set(['staff', ...Object.values(groups)])) {
    const members = new Set(await company.members(group))
    for (const person of people) {
      const { employee_id: id } = person
      const dn = accounts.get(id)?.[0]?.dn
      const should = groupsOf(person, groups).includes(group)
      if (dn !== undefined && members.delete(dn) !== should)
        wrong.push(`${id} ${should ? 'lost' : 'still has'} ${group}`)
    }
    for (const dn of members) wrong.push(`${dn} is in ${group} and is nobody's`)
  }
  return wrong
}

/**
 * With every first password that was handed over: nobody who left or is away is let in, and whoever stays is. Of those who stay, the
 * ones whose account or password took more than one try, and some others.
 */
async function signIns(
  company: Company,
  people: readonly Person[],
  accounts: Accounts,
  record: History,
): Promise<readonly string[]> {
  const files = await readdir(company.path('handover')).catch(() => [])
  const names = Map.groupBy(
    files.filter((name) => name.endsWith('.age')),
    (file) => file.split('-directory-')[0],
  )
  const isOut = (person: Person) => person.status !== 'Active'
  const asked = people.filter(
    (person, index) => isOut(person) || index % 20 === 0 || isDoubtful(record, person.employee_id),
  )
  const wrong: string[] = people
    .filter(({ employee_id: id, status }) => {
      const name = accounts.get(id)?.[0]?.['uid']
      return status === 'Active' && name !== undefined && !names.has(String(name))
    })
    .map(({ employee_id: id }) => `nobody was told the first password of ${id}`)
  const waiting = [...asked]
  const one = async (): Promise<void> => {
    for (let person = waiting.pop(); person !== undefined; person = waiting.pop()) {
      const account = accounts.get(person.employee_id)?.[0]
      if (account === undefined || !names.has(String(account['uid']))) continue
      const code = await company.signIn(account.dn, await company.firstPassword(String(account['uid'])))
      if ((code === 0) === isOut(person)) {
        wrong.push(`${person.employee_id} ${code === 0 ? 'is out and can sign in' : `stays and is refused: ${code}`}`)
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, one))
  return wrong
}

/** As its users see it. */
async function standing(company: Company): Promise<readonly string[]> {
  const plan = await company.plan()
  const changes = plan.document.changes.slice(0, 10).map((one) => `${one.kind} ${one.identity}: ${one.reason.text}`)
  const status = await company.json('status')
  return [
    ...(plan.code === 0 ? [] : [`plan exits ${plan.code}: ${changes.join('; ')} ${plan.stderr.slice(0, 1_000)}`]),
    ...(status.code === 0 ? [] : [`status exits ${status.code}: ${status.stdout.slice(0, 2_000)}`]),
  ]
}
