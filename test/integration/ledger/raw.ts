// The ledger of a test without Keyturn: where it is, and what stands in its tables.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { inject, onTestFinished } from 'vitest'
import { template } from './postgresql-server.ts'

/** The tests of this project have their ledgers on PostgreSQL. */
export const isOnServer = (): boolean => inject('postgresql') !== undefined

/** A folder that is gone after the test, and the URL of a ledger: in the folder, or on the PostgreSQL of this project. */
export async function temporaryLedger(): Promise<{
  readonly folder: string
  readonly path: string
  readonly url: string
}> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-ledger-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'var', 'keyturn.db')
  return { folder, path, url: isOnServer() ? await temporaryDatabase() : `sqlite:${path}` }
}

async function temporaryDatabase(): Promise<string> {
  const database = `ledger_${randomUUID()}`
  administrator ??= connected()
  const client = await administrator
  // To copy files is ten times as fast as to write every page into the log.
  await client.query(`create database "${database}" owner keyturn template ${template} strategy file_copy`)
  onTestFinished(async () => void (await client.query(`drop database "${database}" with (force)`)))
  return urlOf('keyturn', database)
}

/** One connection for all tests of a file; it ends with the server. */
let administrator: Promise<Client> | undefined

async function connected(): Promise<Client> {
  const client = new Client(urlOf('postgres', 'postgres'))
  client.on('error', () => undefined)
  await client.connect()
  return client
}

function urlOf(user: string, database: string): string {
  const server = inject('postgresql')
  return `postgres://${user}:${server?.password}@127.0.0.1:${server?.port}/${database}`
}

/** The rows of one statement; throws what the database says. */
export async function rowsOf(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  if (url.startsWith('postgres:')) return query(url, text)
  using database = new DatabaseSync(url.slice('sqlite:'.length))
  return database.prepare(text).all()
}

async function query(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client(url)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}
