import type { Proof } from '../model/connector.ts'
import { showDuration, table } from '../report/text.ts'
import { fullName, look, outcome, paintAnswer, tellUnsettled } from './chapters.ts'
import type { Outcome, Stage } from './chapters.ts'
import { employeeId } from './people.ts'
import type { Person } from './people.ts'
import { pass } from './pass.ts'
import { signIn, signInUntilRefused } from './visitor.ts'
import type { Account, Answer } from './visitor.ts'

/** Zoë O'Brien, the second of three Maria Garcias, and 王伟. */
const leaving = [employeeId(0), employeeId(5), employeeId(10)]
/** The other two of that name. */
const staying = [employeeId(4), employeeId(6)]

/** How it went for one leaver. */
export interface Leaver {
  readonly person: string
  readonly account: string
  /** From the moment the feed said so until the old password was refused, ms; measured by trying to sign in all the time. */
  readonly refusedAfter: number
  readonly answer: Answer
  /** From the same moment until Keyturn had proven it, ms; null: it has not. */
  readonly provenAfter: number | null
  readonly proof: Proof | null
}

interface Member extends Account {
  readonly person: Person
  readonly password: string
}

export async function endThree(stage: Stage): Promise<Outcome & { readonly leavers: readonly Leaver[] }> {
  const { company, screen, signal } = stage
  screen.chapter('Three people leave')
  const members = await membersOf(stage, leaving)
  await tellSignIns(stage, 'before', 'they sign in with their passwords', members)
  const today = new Date().toISOString().slice(0, 10)
  for (const { person } of members) {
    company.people.set(person.employee_id, { ...person, status: 'Left', end_date: today })
  }
  const doors = keepTrying(stage, members)
  const changed = await company.publish()
  screen.fact('feed', `${members.map(({ person }) => fullName(person)).join(', ')}: Left, ${today}`)
  const done = await pass(company.config, screen, signal).finally(() => doors.stop())
  const refusals = await doors.refusals
  const leavers = members.flatMap((member, index) => {
    const refusal = refusals[index]
    if (refusal?.status !== 'fulfilled') return []
    const obligation = done.report.obligations.find((one) => one.identity === `hr:${member.person.employee_id}`)
    return [describe(member, refusal.value, obligation?.proof ?? null, changed)]
  })
  tellUnsettled(screen, done)
  showLeavers(stage, leavers)
  const others = await tellSignIns(stage, 'sign-in', 'the two other Maria Garcias', await membersOf(stage, staying))
  const proven = leavers.filter((one) => one.proof?.grade === 'refused')
  const good = done.settled && proven.length === members.length && others
  const slowest = Math.max(0, ...leavers.map((one) => one.refusedAfter))
  return { ...outcome('three people leave', done, `refused within ${showDuration(slowest)}`, good), leavers }
}

/** Each of them goes on trying the password until the answer is no. */
function keepTrying({ company, signal }: Stage, members: readonly Member[]) {
  const stop = new AbortController()
  const both = AbortSignal.any([signal, stop.signal])
  const tries = members.map(({ dn, password }) => signInUntilRefused(company.server.url, dn, password, both))
  return { refusals: Promise.allSettled(tries), stop: () => stop.abort() }
}

/** Tries the passwords once and tells the answers. Returns whether all were accepted. */
async function tellSignIns(
  { company, screen }: Stage,
  label: string,
  text: string,
  members: readonly Member[],
): Promise<boolean> {
  const answers = await Promise.all(members.map(({ dn, password }) => signIn(company.server.url, dn, password)))
  const good = answers.every((one) => one.accepted)
  const texts = new Set(answers.map((one) => one.text))
  screen.fact(label, `${text}: ${paintAnswer(screen, good, [...texts].join(', '))}`)
  return good
}

function describe(
  member: Member,
  refusal: { readonly at: number; readonly answer: Answer },
  proof: Proof | null,
  changed: number,
): Leaver {
  return {
    person: fullName(member.person),
    account: member.name,
    refusedAfter: refusal.at - changed,
    answer: refusal.answer,
    provenAfter: proof === null ? null : proof.at - changed,
    proof,
  }
}

async function membersOf({ company }: Stage, ids: readonly string[]): Promise<readonly Member[]> {
  const people = ids.map((id) => company.people.get(id)).filter((person) => person !== undefined)
  return look(company, async (visitor) => {
    const members: Member[] = []
    for (const person of people) {
      const account = await visitor.accountOf(person.employee_id)
      members.push({ ...account, person, password: await company.firstPassword(account.name) })
    }
    return members
  })
}

function showLeavers({ screen }: Stage, leavers: readonly Leaver[]): void {
  const rows = leavers.map((one) => [
    one.person,
    one.account,
    screen.paint.green(showDuration(one.refusedAfter)),
    screen.paint.red(one.answer.text),
    one.provenAfter === null ? screen.paint.red('never') : showDuration(one.provenAfter),
  ])
  const headings = ['leaver', 'account', 'password refused after', "the directory's answer", 'proven after']
  screen.text(`\n${indent(table(headings, rows))}\n`)
  for (const [text, own] of Map.groupBy(leavers, (one) => one.proof?.text ?? 'none')) {
    const whose = own.length === leavers.length ? '' : `${own.map((one) => one.account).join(', ')}: `
    screen.fact('proof', whose + text)
  }
  screen.fact('', screen.paint.dim('Most of the time is one wait: a feed must lie still before it is believed.'))
}

function indent(lines: string): string {
  return lines.replaceAll(/^/gm, '   ')
}
