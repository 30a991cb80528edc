import { count, showDuration } from '../report/text.ts'
import { departments } from './company.ts'
import type { Company } from './company.ts'
import { pass } from './pass.ts'
import type { Pass } from './pass.ts'
import { awkwardNames } from './names.ts'
import type { Person } from './people.ts'
import type { Screen } from './screen.ts'
import { signIn, withVisitor } from './visitor.ts'
import type { Account, Visitor } from './visitor.ts'

/** How one chapter went, for the table at the end. */
export interface Outcome {
  readonly chapter: string
  readonly changes: number
  readonly took: number
  readonly result: string
  /** It went as the story says. */
  readonly good: boolean
}

/** What every chapter gets. */
export interface Stage {
  readonly company: Company
  readonly screen: Screen
  readonly signal: AbortSignal
}

/** As its bearer writes it: Chinese names begin with the surname. */
export function fullName(person: Person): string {
  if (/\p{Script=Han}/u.test(person.surname)) return person.surname + person.given_name
  return `${person.given_name} ${person.surname}`.trim()
}

export async function hire({ company, screen, signal }: Stage): Promise<Outcome> {
  screen.chapter('Everybody is hired')
  await company.publish()
  screen.fact('feed', describeFeed([...company.people.values()]))
  const done = await pass(company.config, screen, signal)
  const created = done.done.create ?? 0
  screen.fact(
    'applied',
    `${count(created, 'account')} and ${count(done.done.grant ?? 0, 'group membership')} in ${showDuration(done.took)}`,
  )
  tellUnsettled(screen, done)
  await showNames(company, screen)
  const zoe = [...company.people.values()][0]
  if (zoe === undefined) throw new Error('the feed is empty')
  const account = await look(company, (visitor) => visitor.accountOf(zoe.employee_id))
  const answer = await signIn(company.server.url, account.dn, await company.firstPassword(account.name))
  screen.fact(
    'sign-in',
    `${fullName(zoe)}, with the password from the sealed hand-over file: ${paintAnswer(screen, answer.accepted, answer.text)}`,
  )
  const good = done.settled && created > 0 && answer.accepted
  return outcome('everybody is hired', done, `${count(created, 'account')} made`, good)
}

export async function moveDepartment({ company, screen, signal }: Stage): Promise<Outcome> {
  const [from, to] = ['Facilities', 'Support'] as const
  screen.chapter(`${from} becomes a part of ${to}`)
  const before = await groupSizes(company, [from, to])
  let moved = 0
  for (const person of company.people.values()) {
    if (person.department !== from) continue
    company.people.set(person.employee_id, { ...person, department: to })
    moved += 1
  }
  await company.publish()
  screen.fact('feed', `${count(moved, 'person', 'people')} now in ${to}`)
  const done = await pass(company.config, screen, signal)
  const after = await groupSizes(company, [from, to])
  const [granted, revoked] = [done.done.grant ?? 0, done.done.revoke ?? 0]
  screen.fact('applied', `${granted} granted, ${revoked} revoked in ${showDuration(done.took)}`)
  tellUnsettled(screen, done)
  const sizes = [from, to].map((name) => `${departments[name]} ${before[name]} → ${after[name]}`)
  screen.fact('groups', sizes.join(', '))
  const good = done.settled && granted > 0 && granted === revoked && after[from] === 0
  return outcome('a department moves', done, `${granted} granted, ${revoked} revoked`, good)
}

export async function cutFeed({ company, screen, signal }: Stage): Promise<Outcome> {
  screen.chapter('The feed is cut in half')
  const lost = [...company.people.values()].filter((person) => person.status === 'Active').at(-1)
  if (lost === undefined) throw new Error('nobody is active')
  await company.cutFeed()
  screen.fact('feed', `a perfect file, but ${fullName(lost)} and half of the others are no longer in it`)
  const done = await pass(company.config, screen, signal)
  const refusal = done.report.people.intakes[0]?.refused
  const revoked = (done.done.revoke ?? 0) + (done.done.disable ?? 0)
  screen.fact(
    'refused',
    screen.paint.yellow(refusal?.why.replace(company.folder, '…') ?? 'the feed was accepted, which is wrong'),
  )
  const account = await look(company, (visitor) => visitor.accountOf(lost.employee_id))
  const answer = await signIn(company.server.url, account.dn, await company.firstPassword(account.name))
  screen.fact('revoked', revoked === 0 ? 'nothing' : count(revoked, 'right'))
  screen.fact('sign-in', `${fullName(lost)}: ${paintAnswer(screen, answer.accepted, answer.text)}`)
  const good = refusal !== undefined && refusal !== null && revoked === 0 && answer.accepted
  return outcome('the feed is cut in half', done, 'refused, nothing revoked', good)
}

export async function restoreFeed({ company, screen, signal }: Stage): Promise<Outcome> {
  screen.chapter('The whole feed is back')
  await company.publish()
  const done = await pass(company.config, screen, signal)
  const good = done.settled && done.report.plan.changes.length === 0
  const text = good ? 'nothing to do' : count(done.report.plan.changes.length, 'change')
  screen.fact('plan', text)
  return outcome('the whole feed is back', done, text, good)
}

export function outcome(chapter: string, done: Pass, result: string, good: boolean): Outcome {
  const changes = Object.values(done.done).reduce((sum, number) => sum + number, 0)
  return { chapter, changes, took: done.took, result: good ? result : `NOT AS IT SHOULD BE: ${result}`, good }
}

/** Says what was not carried out, and the first reason. */
export function tellUnsettled(screen: Screen, done: Pass): void {
  const open = done.report.obligations.filter((one) => one.state !== 'settled')
  const [unread] = done.report.unread
  if (unread !== undefined)
    screen.fact('failed', screen.paint.red(`the directory could not be read: ${unread.error.message}`))
  if (open.length === 0) return
  const reason = open.find((one) => one.lastError !== null)?.lastError?.message ?? 'no reason is known'
  screen.fact('not done', screen.paint.red(`${count(open.length, 'account')}: ${reason}`))
}

export function paintAnswer(screen: Screen, good: boolean, text: string): string {
  return good ? screen.paint.green(text) : screen.paint.red(text)
}

/** Looks into the directory, as any reader of it could. */
export function look<T>(company: Company, work: (visitor: Visitor) => Promise<T>): Promise<T> {
  const reader = { dn: company.places.manager, password: company.password.text, base: company.suffix }
  return withVisitor(company.server.url, reader, work)
}

async function groupSizes(company: Company, names: readonly string[]): Promise<Readonly<Record<string, number>>> {
  return look(company, async (visitor) => {
    const sizes: Record<string, number> = {}
    for (const name of names) sizes[name] = await visitor.membersOf(departments[name] ?? name)
    return sizes
  })
}

function describeFeed(people: readonly Person[]): string {
  const later = new Date().toISOString().slice(0, 10)
  const starts = people.filter((person) => person.start_date > later).length
  const of = (status: Person['status']) => people.filter((person) => person.status === status).length
  const active = of('Active') - starts
  return `${people.length} people: ${active} work, ${starts} start later, ${of('Leave')} on leave, ${of('Left')} left before`
}

/** What became of the names that break systems. */
async function showNames(company: Company, screen: Screen): Promise<void> {
  const people = [...company.people.values()].slice(0, awkwardNames.length)
  const accounts = await look(company, async (visitor) => {
    const found: (readonly [Person, Account])[] = []
    for (const person of people) found.push([person, await visitor.accountOf(person.employee_id)])
    return found
  })
  const texts = [...Map.groupBy(accounts, ([person]) => fullName(person))].map(([name, own]) => ({
    plain: `${name} (${own.map(([, account]) => account.name).join(', ')})`,
    painted: `${name} ${screen.paint.dim(`(${own.map(([, account]) => account.name).join(', ')})`)}`,
  }))
  for (const [index, line] of fill(texts, 100).entries()) screen.fact(index === 0 ? 'names' : '', line)
}

/** As many texts on a line as it holds. */
function fill(texts: readonly { readonly plain: string; readonly painted: string }[], width: number): string[] {
  const lines: string[] = []
  let left = 0
  for (const { plain, painted } of texts) {
    const fits = plain.length + 2 <= left
    if (fits) lines[lines.length - 1] += `, ${painted}`
    else lines.push(painted)
    left = (fits ? left - 2 : width) - plain.length
  }
  return lines
}
