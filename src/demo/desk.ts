import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Decrypter, generateIdentity, identityToRecipient } from 'age-encryption'

/** The service desk: the only one that can open hand-over files. */
export interface Desk {
  /** Public age key. */
  readonly recipient: string
  /** Private age key. */
  readonly identity: string
}

export async function openDesk(): Promise<Desk> {
  const identity = await generateIdentity()
  return { identity, recipient: await identityToRecipient(identity) }
}

/** The first password of an account, out of the newest hand-over file for it. Throws Error where there is none. */
export async function firstPassword(desk: Desk, folder: string, account: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(`${account}-`) && name.endsWith('.age'))
  const newest = names.toSorted().at(-1)
  if (newest === undefined) throw new Error(`there is no hand-over file for ${account} in ${folder}`)
  const decrypter = new Decrypter()
  decrypter.addIdentity(desk.identity)
  const letter = await decrypter.decrypt(await readFile(join(folder, newest)), 'text')
  const password = /^Password: (.+)$/m.exec(letter)?.[1]
  if (password === undefined) throw new Error(`the hand-over file ${newest} holds no password`)
  return password
}
