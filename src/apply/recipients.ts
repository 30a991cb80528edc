import { readFile } from 'node:fs/promises'
import { KeyturnError } from '../model/errors.ts'

/**
 * The public keys behind `recipients`: `age1…` stands for itself, `file:PATH` for every line of the file that is neither
 * empty nor a comment (the format of `age -R`).
 *
 * @throws KeyturnError `config-invalid` for a file that cannot be read or a text that is no age recipient
 */
export async function readRecipients(recipients: readonly string[]): Promise<readonly string[]> {
  // Loaded by whoever encrypts: it is a tenth of a second of every start.
  const { Encrypter } = await import('age-encryption')
  const accepts = (key: string) => new Encrypter().addRecipient(key)
  const lists = await Promise.all(recipients.map((recipient) => readOne(recipient, accepts)))
  const keys = [...new Set(lists.flat())]
  if (keys.length === 0) {
    throw new KeyturnError('config-invalid', 'delivery.recipients names nobody who could open a hand-over file', {
      hint: 'Make a key with `age-keygen -o key.txt` and state its public key, age1….',
    })
  }
  return keys
}

/** Throws for a text that is no public key. */
type Accepts = (key: string) => void

async function readOne(recipient: string, accepts: Accepts): Promise<readonly string[]> {
  if (!recipient.startsWith('file:')) return [checked(recipient, 'delivery.recipients', accepts)]
  const path = recipient.slice('file:'.length)
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new KeyturnError('config-invalid', `delivery.recipients: the file ${path} cannot be read`, { cause })
  })
  return text
    .split(/\r?\n/)
    .map((line, index) => ({ key: line.trim(), where: `${path}:${index + 1}` }))
    .filter(({ key }) => key !== '' && !key.startsWith('#'))
    .map(({ key, where }) => checked(key, where, accepts))
}

function checked(key: string, where: string, accepts: Accepts): string {
  // A private key in this place is a mistake that must not be repeated in a message.
  if (key.toUpperCase().startsWith('AGE-SECRET-KEY-')) {
    throw new KeyturnError('config-invalid', `${where}: this is a private age key; its public key (age1…) is needed`, {
      hint: 'Print it with `age-keygen -y FILE`, and consider the private key as known to others.',
    })
  }
  try {
    accepts(key)
    return key
  } catch (cause) {
    throw new KeyturnError('config-invalid', `${where}: "${key}" is no age public key (age1… is allowed)`, { cause })
  }
}
