import type { NewAccount } from '../../model/change.ts'
import type { Outcome } from '../../model/connector.ts'
import { KeyturnError } from '../../model/errors.ts'
import { childDn } from '../directory/dn.ts'
import { attributes as entryAttributes, replaceValues } from '../directory/edits.ts'
import { LdapResultError } from '../directory/errors.ts'
import { anyOf, equals } from '../directory/filters.ts'
import { inFlight, portions } from '../directory/flight.ts'
import { assertMayOpen } from '../directory/may-open.ts'
import { searchFew } from '../directory/search.ts'
import { checkAttribute } from './attributes.ts'
import { attempt, outcomeOf } from './board.ts'
import type { Desk, Task } from './board.ts'
import { checkAccountName, commonName, commonNameWith, principalName } from './names.ts'
import { isDisabled, stateAttributes, stateOf } from './state.ts'
import type { AccountState } from './state.ts'
import { accountControl, passwordBytes, toFiletime } from './values.ts'

type Create = Task<'create'>

const namesPerSearch = 100

/** Creates accounts: the names of all are looked up first, then each is one addition with its password and flags. */
export async function createAccounts(desk: Desk): Promise<void> {
  refuseForbidden(desk)
  if (desk.board.pending('create').length === 0) return
  await refuseTaken(desk)
  const tasks = desk.board.pending('create')
  const commonNames = await chooseCommonNames(desk, tasks)
  await inFlight(tasks, desk.domain.settings.limits.concurrency, async (task) => {
    const { desired } = task.change
    const outcome = await attempt(desk, task, `creating ${desired.name} in ${desired.container}`, async () =>
      createOne(desk, task, commonNames.get(task.index) ?? desired.name),
    )
    if (outcome.result !== 'done') desk.board.lose(task, outcome)
  })
}

/** What the domain would refuse, or what only Samba would take. */
function refuseForbidden({ board }: Desk): void {
  for (const task of board.pending('create')) {
    try {
      checkNewAccount(task.change.desired)
    } catch (error) {
      board.lose(task, outcomeOf(error))
    }
  }
}

/** @throws KeyturnError `value-refused` */
export function checkNewAccount(account: NewAccount): void {
  checkAccountName(account.name)
  for (const [attribute, values] of Object.entries(account.attributes)) checkAttribute(attribute, values)
}

/**
 * Names must be unique in the whole domain, also beside computers and groups, and Samba and old Windows do not check all
 * of them.
 */
async function refuseTaken({ board, domain, connection }: Desk): Promise<void> {
  const base = await domain.namingContext(connection)
  const attributes = ['sAMAccountName', 'userPrincipalName']
  for (const some of portions(board.pending('create'), namesPerSearch)) {
    const filter = anyOf(
      some.flatMap(({ change }) => [
        equals('sAMAccountName', change.desired.name),
        equals('userPrincipalName', principalNameOf(domain.principalSuffix, change.desired)),
      ]),
    )
    const holders = await searchFew(connection, { base, scope: 'sub', filter, attributes })
    for (const task of some) {
      const { desired } = task.change
      const principal = principalNameOf(domain.principalSuffix, desired)
      const holder = holders.find(
        (entry) => same(entry.text('sAMAccountName'), desired.name) || same(entry.text('userPrincipalName'), principal),
      )
      if (holder !== undefined) board.lose(task, outcomeOf(taken(domain.id, desired.name, principal, holder.dn)))
    }
  }
}

function taken(platform: string, name: string, principal: string, holder: string): KeyturnError {
  return new KeyturnError(
    'name-taken',
    `${platform}: ${name} was not created: ${holder} has the name ${name} or ${principal} already.`,
    {
      hint: `If it is this person's account, link it with "keyturn adopt ${platform}"; else rename it, or give the person another name.`,
    },
  )
}

function principalNameOf(suffix: string, { name, attributes }: NewAccount): string {
  return valueOf(attributes, 'userPrincipalName') ?? principalName(name, suffix)
}

/** Two people of one name in one container: the second is called `Anna Smith (asmith2)`. By index of the task. */
async function chooseCommonNames({ connection }: Desk, tasks: readonly Create[]): Promise<Map<number, string>> {
  const chosen = new Map<number, string>()
  for (const [container, those] of Map.groupBy(tasks, ({ change }) => change.desired.container)) {
    // Sorted, so that of `anna.smith` and `anna.smith2` the first is the one who is called plainly Anna Smith.
    const plain = those
      .map((task) => ({ task, common: commonNameOf(task.change.desired) }))
      .toSorted((one, other) => (one.task.change.desired.name < other.task.change.desired.name ? -1 : 1))
    const used = new Set<string>()
    for (const some of portions(plain, namesPerSearch)) {
      const filter = anyOf(some.map(({ common }) => equals('cn', common)))
      const spec = { base: container, scope: 'one', filter, attributes: ['cn'] } as const
      for (const entry of await searchOrNone(() => searchFew(connection, spec))) used.add(fold(entry.text('cn') ?? ''))
    }
    for (const { task, common } of plain) {
      const unique = used.has(fold(common)) ? commonNameWith(common, task.change.desired.name) : common
      used.add(fold(unique))
      chosen.set(task.index, unique)
    }
  }
  return chosen
}

/** A container that does not exist has nobody in it; the addition itself is then refused with a sentence. */
async function searchOrNone<T>(search: () => Promise<T[]>): Promise<T[]> {
  try {
    return await search()
  } catch (error) {
    if (error instanceof LdapResultError) return []
    throw error
  }
}

async function createOne(desk: Desk, task: Create, common: string): Promise<Outcome> {
  const { desired, identity } = task.change
  const password = desk.context.initialPassword(identity)
  try {
    await add(desk, task.change, common, password)
  } catch (error) {
    const second = commonNameWith(common, desired.name)
    // Somebody may have taken the common name since it was looked up.
    if (!(error instanceof LdapResultError) || error.code !== 68 || common.endsWith(` (${desired.name})`)) throw error
    await add(desk, task.change, second, password)
  }
  const state = await readBack(desk, desired)
  desk.board.stands(task.change, state)
  return { result: 'done', account: { nativeId: state.nativeId, address: state.dn, name: state.name } }
}

async function add(
  desk: Desk,
  { desired, identity }: Create['change'],
  common: string,
  password: string,
): Promise<void> {
  const { connection, context, domain } = desk
  const flags = accountControl.normalAccount | (desired.enabled ? 0 : accountControl.disabled)
  const attributes = entryAttributes({
    ...desired.attributes,
    objectClass: ['user'],
    sAMAccountName: [desired.name],
    ...(valueOf(desired.attributes, 'userPrincipalName') === undefined
      ? { userPrincipalName: [principalName(desired.name, domain.principalSuffix)] }
      : {}),
    userAccountControl: [String(flags)],
    unicodePwd: [passwordBytes(password)],
    ...(desired.expiresAt === null ? {} : { accountExpires: [toFiletime(desired.expiresAt)] }),
    ...(context.mustChange ? { pwdLastSet: ['0'] } : {}),
  })
  assertMayOpen(context, identity)
  await connection.add(childDn('CN', common, desired.container), attributes)
}

/** The answer to an addition tells neither the objectGUID nor which flags the domain controller really set. */
async function readBack({ connection, context, domain }: Desk, desired: NewAccount): Promise<AccountState> {
  const base = await domain.namingContext(connection)
  const spec = {
    base,
    scope: 'sub',
    filter: equals('sAMAccountName', desired.name),
    attributes: stateAttributes,
  } as const
  const [entry] = await searchFew(connection, spec)
  if (entry === undefined) throw notReadBack(domain.id, desired.name, 'it is not found')
  const state = stateOf(entry)
  const isOpenToAll = (state.flags & accountControl.passwordNotRequired) !== 0
  if (isOpenToAll || isDisabled(state) === desired.enabled) {
    throw notReadBack(domain.id, desired.name, `its userAccountControl is ${state.flags}`)
  }
  if (context.mustChange && state.passwordSetAt !== '0') {
    await connection.modify(entry.dn, [replaceValues('pwdLastSet', ['0'])])
  }
  return state
}

function notReadBack(platform: string, name: string, why: string): KeyturnError {
  return new KeyturnError('not-read-back', `${platform}: ${name} was created, but reading it back failed: ${why}.`)
}

function commonNameOf({ name, attributes }: NewAccount): string {
  return commonName(valueOf(attributes, 'displayName'), name)
}

/** The configuration may write the name of an attribute in capitals or not. */
function valueOf(attributes: NewAccount['attributes'], name: string): string | undefined {
  const key = Object.keys(attributes).find((one) => same(one, name))
  return key === undefined ? undefined : attributes[key]?.[0]
}

function same(one: string | undefined, other: string): boolean {
  return one !== undefined && fold(one) === fold(other)
}

/** A domain takes names for equal that differ in capitals, accents or width only (MS-ADTS, section 3.1.1.2.2.4.10). */
function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{Mn}/gu, '')
    .toLowerCase()
}
