import { KeyturnError } from '../../model/errors.ts'
import type { IdentityId } from '../../model/identity.ts'
import { replaceValues } from '../directory/edits.ts'
import { LdapResultError } from '../directory/errors.ts'
import type { Entry } from '../directory/entry.ts'
import { readEntry } from '../directory/search.ts'
import type { Desk } from './board.ts'
import { domainError } from './errors.ts'
import { writeFlags } from './flags.ts'
import type { AccountState } from './state.ts'
import { accountControl, guidDn } from './values.ts'

/**
 * What lets somebody in, or acts in his name, without the password, or beside the account's own state. Which of them exist
 * depends on the schema; those that an account does not hold are never touched.
 */
const credentials: readonly string[] = [
  'servicePrincipalName',
  'msDS-AllowedToDelegateTo',
  'msDS-AllowedToActOnBehalfOfOtherIdentity',
  'msDS-KeyCredentialLink',
  'userCertificate',
  'altSecurityIdentities',
  'sshPublicKey',
  'altRecipient',
  'deliverAndRedirect',
  'msExchGenericForwardingAddress',
  'targetAddress',
  'scriptPath',
  'msNPAllowDialin',
]

/** Where this is set, targetAddress is the way to the person's own mailbox in the cloud, and not a forwarding. */
const remoteMailbox = 'msExchRemoteRecipientType'

const delegation = accountControl.trustedForDelegation | accountControl.trustedToAuthenticateForDelegation

/** Clears the credentials that outlive a disabled account; the step tells which and how many, never the values. */
export async function clearCredentials(desk: Desk, state: AccountState, identity: IdentityId): Promise<void> {
  const { connection, context, domain } = desk
  const before = await readCredentials(desk, state)
  const held = heldBy(before)
  const flags = Number(before.text('userAccountControl') ?? state.flags)
  const delegates = (flags & delegation) !== 0
  if (held.length === 0 && !delegates && context.stepsDone(identity).has('clear-credentials')) return
  await clear(desk, state, held)
  if (delegates) await writeFlags(connection, { nativeId: state.nativeId, flags }, (bits) => bits & ~delegation)
  const left = heldBy(await readCredentials(desk, state))
  if (left.length > 0) {
    const text = `${domain.id}: clearing ${left.join(', ')} of ${state.name} was accepted, but they are still there.`
    throw new KeyturnError('not-read-back', text)
  }
  const counted = held.map((attribute) => `${attribute} (${before.texts(attribute).length})`)
  const all = [...counted, ...(delegates ? ['trust for delegation'] : [])]
  const detail = all.length === 0 ? 'none were held' : `cleared ${all.join(', ')}`
  await context.stepDone(identity, { step: 'clear-credentials', at: context.now(), detail })
}

/** All at once, or where that is refused one by one, so that one refusal keeps nothing else. */
async function clear({ connection, domain }: Desk, state: AccountState, held: readonly string[]): Promise<void> {
  if (held.length === 0) return
  const dn = guidDn(state.nativeId)
  try {
    await connection.modify(
      dn,
      held.map((attribute) => replaceValues(attribute, [])),
    )
    return
  } catch (error) {
    if (!(error instanceof LdapResultError)) throw error
  }
  const failures: KeyturnError[] = []
  for (const attribute of held) {
    try {
      await connection.modify(dn, [replaceValues(attribute, [])])
    } catch (error) {
      const doing = `clearing ${attribute} of ${state.name}`
      failures.push(domainError(error, { platform: domain.id, doing, cannotManage: state.cannotManage }))
    }
  }
  const [failure] = failures
  if (failure !== undefined) throw failure
}

async function readCredentials({ connection, domain }: Desk, { nativeId, name }: AccountState): Promise<Entry> {
  const attributes = [...credentials, remoteMailbox, 'userAccountControl']
  const entry = await readEntry(connection, guidDn(nativeId), attributes)
  if (entry !== undefined) return entry
  throw new KeyturnError('object-missing', `${domain.id}: ${name} is not there any more.`)
}

function heldBy(entry: Entry): string[] {
  return credentials.filter(
    (attribute) => entry.has(attribute) && !(attribute === 'targetAddress' && entry.has(remoteMailbox)),
  )
}
