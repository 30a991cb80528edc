// Somebody who knows nothing of Keyturn: looks into the directory and tries to sign in, as the people themselves would.
import { setTimeout as pause } from 'node:timers/promises'
import { Client, EqualityFilter, PasswordPolicyControl, ResultCodeError } from 'ldapts'

export interface Account {
  readonly dn: string
  readonly name: string
}

/** What the directory answered to a password. */
export interface Answer {
  readonly accepted: boolean
  /** LDAP result code: 0 or, for example, 49. */
  readonly code: number
  /** Such as `49 invalid credentials, account locked`. */
  readonly text: string
}

export interface Visitor {
  accountOf(employeeId: string): Promise<Account>
  membersOf(group: string): Promise<number>
}

/** Looks as somebody who may read everything. Throws Error where the account is not there. */
export async function withVisitor<T>(
  url: string,
  reader: { readonly dn: string; readonly password: string; readonly base: string },
  work: (visitor: Visitor) => Promise<T>,
): Promise<T> {
  const client = new Client({ url, timeout: 10_000, connectTimeout: 5_000 })
  await client.bind(reader.dn, reader.password)
  const find = async (attribute: string, value: string, wanted: string[]) => {
    const filter = new EqualityFilter({ attribute, value })
    const { searchEntries } = await client.search(reader.base, { filter, attributes: wanted })
    const [entry] = searchEntries
    if (entry === undefined) throw new Error(`nothing in the directory has ${attribute} ${value}`)
    return entry
  }
  try {
    return await work({
      accountOf: async (employeeId) => {
        const entry = await find('employeeNumber', employeeId, ['uid'])
        return { dn: entry.dn, name: String(entry['uid']) }
      },
      // The placeholder that keeps an empty group legal is nobody.
      membersOf: async (group) => [(await find('cn', group, ['member']))['member']].flat().length - 1,
    })
  } finally {
    await client.unbind()
  }
}

/** Tries a password once. */
export async function signIn(url: string, dn: string, password: string): Promise<Answer> {
  const client = new Client({ url, timeout: 10_000, connectTimeout: 5_000 })
  const policy = new PasswordPolicyControl()
  try {
    await client.bind(dn, password, policy)
    return { accepted: true, code: 0, text: 'accepted' }
  } catch (error) {
    if (!(error instanceof ResultCodeError)) throw error
    return { accepted: false, code: error.code, text: describe(error.code, policy) }
  } finally {
    await client.unbind()
  }
}

/** Tries again and again until the answer is no. `at`: milliseconds since 1970. */
export async function signInUntilRefused(
  url: string,
  dn: string,
  password: string,
  signal: AbortSignal,
): Promise<{ readonly at: number; readonly answer: Answer }> {
  for (;;) {
    signal.throwIfAborted()
    const answer = await signIn(url, dn, password)
    if (!answer.accepted) return { at: Date.now(), answer }
    await pause(3)
  }
}

/** Result code 49 and what the password policy adds (draft-behera-ldap-password-policy-10, section 6.2). */
function describe(code: number, policy: PasswordPolicyControl): string {
  const name = code === 49 ? 'invalid credentials' : code === 53 ? 'unwilling to perform' : 'refused'
  return policy.value?.error === 1 ? `${code} ${name}, account locked` : `${code} ${name}`
}
