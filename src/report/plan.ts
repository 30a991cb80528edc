import colours from 'picocolors'
import { changeOrder, holdable } from '../model/change.ts'
import type { Change, ChangeKind, Plan, PlanNote, Withheld, WithheldWhy } from '../model/change.ts'
import { showPlace } from '../model/place.ts'
import type { Reason } from '../model/place.ts'
import { count, table, visible } from './text.ts'

const signs: Readonly<Record<ChangeKind, string>> = {
  link: '=',
  create: '+',
  enable: '+',
  disable: '-',
  delete: '-',
  rename: '~',
  move: '~',
  update: '~',
  expire: '~',
  grant: '+',
  revoke: '-',
  'issue-credential': '+',
}

/**
 * The plan for a person to read: by platform, and by the rule line or source that causes each change. Of each group
 * `most` lines are shown before "… and N more".
 */
export function renderPlan({ changes, withheld, notes, ...plan }: Plan, most: number): string {
  const sections = Object.keys(plan.situations).map((platform) =>
    renderPlatform(
      platform,
      plan.population[platform] ?? 0,
      changes.filter((change) => change.platform === platform),
      withheld.filter((one) => one.change.platform === platform),
      notes.filter((note) => note.platform === platform),
      most,
    ),
  )
  return sections.join('\n\n')
}

function renderPlatform(
  platform: string,
  population: number,
  changes: readonly Change[],
  withheld: readonly Withheld[],
  notes: readonly PlanNote[],
  most: number,
): string {
  const lines = [`${colours.bold(platform)}  (${count(population, 'linked account')})`]
  if (changes.length === 0) lines.push('  Nothing to change.')
  for (const [cause, group] of Map.groupBy(changes, (change) => showReason(change.reason))) {
    lines.push(`  ${colours.cyan(cause)}`, ...bounded(byPerson(group), personLine, most, '    '))
  }
  lines.push(...renderWithheld(withheld, most), ...renderNotes(notes, withheld, most))
  return lines.join('\n')
}

/** What no hold stands for and `apply` has left as it is, by platform; empty where there is nothing of the kind. */
export function renderLeft(plan: Plan, most: number): string {
  const sections = Object.keys(plan.situations).flatMap((platform) => {
    const own = plan.withheld.filter((one) => one.change.platform === platform && !holdable.has(one.why))
    const notes = plan.notes.filter((note) => note.platform === platform)
    const lines = [...renderWithheld(own, most), ...renderNotes(notes, plan.withheld, most)]
    return lines.length === 0 ? [] : [[colours.bold(platform), ...lines].join('\n')]
  })
  return sections.join('\n\n')
}

export function showReason(reason: Reason): string {
  const text = visible(reason.text)
  return reason.place === undefined ? text : `${text}  ${showPlace(reason.place)}`
}

function byPerson(changes: readonly Change[]): readonly (readonly Change[])[] {
  return [...Map.groupBy(changes, (change) => change.identity).values()]
}

/** One line with all that a cause does to one account. */
function personLine(own: readonly Change[]): string {
  const first = own[0]
  if (first === undefined) return ''
  return `${first.account}  ${colours.dim(first.identity)}  ${own.map(showChange).join('  ')}`
}

/** One change, without whose it is: `+grant editors`, `~title "Clerk" → "Manager"`. */
export function showChange(change: Change): string {
  const sign = signs[change.kind]
  const paint = sign === '+' ? colours.green : sign === '-' ? colours.red : colours.yellow
  return paint(`${sign}${describe(change)}`)
}

function describe(change: Change): string {
  switch (change.kind) {
    case 'create':
      return `create${change.desired.enabled ? '' : ' (no sign-in yet)'}`
    case 'disable':
      return change.protocol === 'leaver' ? 'shut (leaver protocol)' : 'disable (kept for the return)'
    case 'grant':
    case 'revoke':
      return `${change.kind} ${change.entitlement}`
    case 'update':
      return `${change.field.attribute} ${showValue(change.field.from)} → ${showValue(change.field.to)}`
    case 'rename':
    case 'move':
      return `${change.kind} to ${change.to}`
    case 'expire':
      return change.to === null ? 'never expires' : `expires ${new Date(change.to).toISOString()}`
    case 'link':
      return `link by ${change.by}`
    case 'issue-credential':
      return 'new password'
    case 'enable':
    case 'delete':
      return change.kind
  }
}

function showValue(value: readonly string[] | { readonly accountOf: string }): string {
  if ('accountOf' in value) return `account of ${value.accountOf}`
  return value.length === 0 ? '(none)' : value.map((text) => JSON.stringify(text)).join(', ')
}

function renderWithheld(withheld: readonly Withheld[], most: number): string[] {
  const groups = Map.groupBy(withheld, (one) => `${one.why}\n${one.text}`)
  return [...groups.values()].flatMap((group) => {
    const first = group[0]
    if (first === undefined) return []
    const heading = `  ${colours.red(showWhy(first.why))}  ${visible(first.text)}`
    return [heading, ...bounded(byPerson(group.map((one) => one.change)), personLine, most, '    ')]
  })
}

const headings: Readonly<Record<WithheldWhy, string>> = {
  'removals-limit': 'too many removals.',
  'creations-limit': 'too many creations.',
  'updates-limit': 'too many updates.',
  privileged: 'privileged.',
  backlog: 'backlog.',
  'account-deleted': 'deleted by another hand.',
  disputed: 'disputed.',
  proposed: 'somebody must say whose it is.',
  protected: 'protected.',
  'cannot-manage': 'the platform does not let us.',
  'own-account': 'the account that Keyturn signs in with.',
  observe: 'this platform is only observed.',
  held: 'the record contradicts itself.',
  frozen: 'frozen by an operator.',
  rejected: 'rejected before.',
  restored: 'nothing is opened yet.',
  'missing-entitlement': 'no such entitlement.',
  'empty-value': 'an empty value.',
  'value-refused': 'a value that the platform would refuse.',
  'not-ours': 'not ours.',
  'no-name': 'no free name.',
}

export function showWhy(why: WithheldWhy): string {
  return `withheld: ${headings[why]}`
}

/** What stands over withheld changes already is not said again. */
function renderNotes(notes: readonly PlanNote[], withheld: readonly Withheld[], most: number): string[] {
  const said = new Set(withheld.map(({ text }) => text))
  const fresh = notes.filter(({ text }) => !said.has(text))
  return bounded(fresh, (note) => `${colours.yellow('note')}  ${note.account}  ${note.text}`, most, '  ')
}

/** Lines are made of what is shown only: a first plan has hundreds of thousands that are not. */
function bounded<T>(items: readonly T[], line: (item: T) => string, most: number, indent: string): string[] {
  const shown = items.slice(0, most).map((item) => indent + line(item))
  if (items.length <= most) return shown
  return [
    ...shown,
    `${indent}${colours.dim(`… and ${(items.length - most).toLocaleString('en-US')} more (--all shows them)`)}`,
  ]
}

/** Counts per platform and kind, as one table. */
export function renderPlanTotals(plan: Plan): string {
  if (plan.changes.length + plan.withheld.length === 0) return ''
  const kinds = changeOrder.filter((kind) => plan.changes.some((change) => change.kind === kind))
  const rows = Object.keys(plan.situations).map((platform) => {
    const own = plan.changes.filter((change) => change.platform === platform)
    const withheld = plan.withheld.filter((one) => one.change.platform === platform).length
    return [platform, ...kinds.map((kind) => own.filter((change) => change.kind === kind).length), withheld]
  })
  return table(['platform', ...kinds, 'withheld'], rows)
}
