import type { ObservedAccount } from '../../model/account.ts'
import type { ApplyContext, Proof } from '../../model/connector.ts'
import { LdapResultError } from '../directory/errors.ts'
import { readEntry } from '../directory/search.ts'
import type { Domain } from './domain.ts'
import { signInCode, signInTable } from './errors.ts'
import { isDisabled, stateAttributes, stateOf } from './state.ts'
import { guidDn } from './values.ts'

/**
 * Tries to sign in with the password that was set last. A domain controller tells what state an account is in only to
 * those who know the password, so 533 (disabled) or 701 (expired) proves it, and 52e (wrong password) proves nothing.
 * Without that password a fresh read is all that can be had.
 */
export async function prove(
  domain: Domain,
  account: ObservedAccount,
  password: string | undefined,
  context: ApplyContext,
): Promise<Proof> {
  if (password === undefined) return provedByReading(domain, account, context)
  try {
    await domain.signInAs(account.address, password)
  } catch (error) {
    if (error instanceof LdapResultError) return refusal(error, account, context)
    throw error
  }
  const text = `${account.name} can still sign in: the password was accepted although the account was to be disabled.`
  return { grade: 'not-proven', at: context.now(), resultCode: 0, text }
}

function refusal(error: LdapResultError, account: ObservedAccount, context: ApplyContext): Proof {
  const dataCode = signInCode(error.diagnostic)
  const meaning = dataCode === undefined ? undefined : signInTable[dataCode]
  const facts = { at: context.now(), resultCode: error.code, ...(dataCode === undefined ? {} : { dataCode }) }
  if (error.code === 49 && meaning?.shut === true) {
    return { ...facts, grade: 'refused', text: `The right password of ${account.name} was refused: ${meaning.text}.` }
  }
  const why = meaning?.text ?? `the answer was "${error.diagnostic}"`
  const hint =
    dataCode === '52e' || dataCode === '525'
      ? ' Perhaps another domain controller answered, which has not heard of the change yet.'
      : ''
  return {
    ...facts,
    grade: 'not-proven',
    text: `The sign-in of ${account.name} was refused, but not as shut: ${why}.${hint}`,
  }
}

async function provedByReading(domain: Domain, account: ObservedAccount, context: ApplyContext): Promise<Proof> {
  const entry = await domain.use((connection) => readEntry(connection, guidDn(account.nativeId), stateAttributes))
  const at = context.now()
  if (entry === undefined) return { grade: 'read-back', at, text: `${account.name} does not exist any more.` }
  const state = stateOf(entry)
  if (!isDisabled(state)) {
    return { grade: 'not-proven', at, text: `${account.name} is not disabled: userAccountControl is ${state.flags}.` }
  }
  const text = `${account.name} is disabled, as a fresh read shows (userAccountControl ${state.flags}); no password was known to try.`
  return { grade: 'read-back', at, text }
}
