// One PostgreSQL for all tests of the ledger that run on it, with a database that has all tables, to be copied for each test.
import type { TestProject } from 'vitest/node'
import { openLedger } from '../../../src/ledger/index.ts'
import { startPostgres } from '../../servers/postgresql.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the ledgers of this project's tests are. */
    readonly postgresql: { readonly port: number; readonly password: string } | undefined
  }
}

export const template = 'ledger_template'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres()
  const ledger = await openLedger(await server.create(template))
  await ledger[Symbol.asyncDispose]()
  project.provide('postgresql', { port: server.port, password: server.password })
  return async () => server[Symbol.asyncDispose]()
}
