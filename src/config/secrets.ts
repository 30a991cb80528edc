import { open } from 'node:fs/promises'
import { KeyturnError } from '../model/errors.ts'
import type { Secrets } from '../model/ports.ts'
import type { SecretReference } from '../model/settings.ts'

const mostBytes = 64 * 1024

/**
 * Resolves `env:NAME` and `file:PATH` at the moment of use (law 11). Of a file one line end at its end is taken away.
 * Throws KeyturnError `secret-unavailable` that names the reference and what to do, never anything of the content.
 */
export function secrets(environment: Readonly<Record<string, string | undefined>> = process.env): Secrets {
  return {
    resolve: async (reference) =>
      reference.startsWith('env:') ? fromEnvironment(reference, environment) : fromFile(reference),
  }
}

function fromEnvironment(
  reference: SecretReference,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const name = reference.slice('env:'.length)
  const value = environment[name]
  if (value === undefined)
    throw unavailable(reference, 'the variable is not set', `Set ${name} where Keyturn is started.`)
  if (value === '') throw unavailable(reference, 'the variable is empty', `Give ${name} its value.`)
  return value
}

async function fromFile(reference: SecretReference): Promise<string> {
  const path = reference.slice('file:'.length)
  const bytes = await readSmall(path, reference)
  if (bytes.length > mostBytes) {
    throw unavailable(reference, `the file is larger than ${mostBytes} bytes`, 'Put only the secret into the file.')
  }
  const value = bytes.toString('utf8').replace(/\r?\n$/, '')
  if (value === '') throw unavailable(reference, 'the file is empty', 'Put the secret into the file.')
  return value
}

/** At most one byte more than is allowed, so that a wrong path to something huge is noticed without reading it. */
async function readSmall(path: string, reference: SecretReference): Promise<Buffer> {
  try {
    await using file = await open(path, 'r')
    const { buffer, bytesRead } = await file.read(Buffer.alloc(mostBytes + 1), 0, mostBytes + 1, 0)
    return buffer.subarray(0, bytesRead)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw unavailable(
      reference,
      reasons[code] ?? `the file cannot be read (${code})`,
      hints[code] ?? hints['EACCES'],
      error,
    )
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read the file',
  EISDIR: 'this is a folder, not a file',
}

const hints: Readonly<Record<string, string>> = {
  ENOENT: 'Write the secret into that file (readable only for the user that runs Keyturn), or correct the path.',
  EACCES: 'Make the file readable for the user that runs Keyturn, and for nobody else.',
  EISDIR: 'Name the file inside the folder.',
}

function unavailable(reference: SecretReference, why: string, hint = '', cause?: unknown): KeyturnError {
  return new KeyturnError('secret-unavailable', `${reference}: ${why}`, {
    hint,
    ...(cause === undefined ? {} : { cause }),
  })
}
