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

/** Databases of this file's tests that were emptied: that takes a tenth of the time in which a new one is copied. */
const free: string[] = []

async function temporaryDatabase(): Promise<string> {
  const database = free.pop() ?? (await copyOfTemplate())
  onTestFinished(async () => {
    await query(urlOf('postgres', database), empty)
    free.push(database)
  })
  return urlOf('keyturn', database)
}

async function copyOfTemplate(): Promise<string> {
  const database = `ledger_${randomUUID()}`
  const how = `owner keyturn template ${template} strategy file_copy`
  await query(urlOf('postgres', 'postgres'), `create database "${database}" ${how}`)
  return database
}

/** Nobody is connected any more, and everything is as after the migrations; the audit refuses it from anybody but a superuser. */
const empty = `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid();
  set session_replication_role = replica;
  do $$ declare one record; begin
    for one in select tablename from pg_tables where schemaname = 'public' and tablename not in ('migration', 'ledger_self') loop
      execute format('delete from %I', one.tablename);
    end loop;
    for one in select sequencename from pg_sequences where schemaname = 'public' loop
      perform setval(format('%I', one.sequencename)::regclass, 1, false);
    end loop;
  end $$;
  update ledger_self set beat = 0, beat_at = null, restored_at = null, known_until = null, restored_reads = null`

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
