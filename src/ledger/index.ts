import { randomUUID } from 'node:crypto'
import type { KeyturnError } from '../model/errors.ts'
import type { Clock } from '../model/instant.ts'
import type { Ledger } from '../model/ledger.ts'
import type { RunningLedger } from '../model/running.ts'
import { adopt, allocate, grants, links, linksOf, names } from './accounts.ts'
import { admit } from './admitting.ts'
import { claim, intend, release, renew, stepsDone } from './claims.ts'
import { decideHold } from './deciding.ts'
import { decisions } from './decisions.ts'
import type { Driver } from './driver.ts'
import { heldTogether, holds } from './holds.ts'
import { saveIntake } from './intake.ts'
import { due, isOwed, obligations, obligationsOf, openCounts } from './obligations.ts'
import { openDriver } from './open.ts'
import * as people from './people.ts'
import { auditOf, plans, writeAudit } from './record.ts'
import { aboutRunningPeople } from './running-people.ts'
import { aboutRunningWork } from './running-work.ts'
import { restored } from './self.ts'
import { settle } from './settlement.ts'

export interface OpenOptions {
  /** Nothing is made or written, and a ledger that is not there looks empty. */
  readonly readOnly?: boolean
  /** The state folder of this machine, for the witness of a ledger on a server; a file has its witness beside it. */
  readonly folder?: string
  readonly clock?: Clock
  /** Told once or more when the file was replaced, or a backup put back, while the ledger is open. */
  readonly onReplaced?: (error: KeyturnError) => void
  /** Told when the witness beside the ledger cannot be read or written; nothing else is wrong. */
  readonly onTrouble?: (error: unknown) => void
}

/**
 * Opens the system of record: `sqlite:/absolute/path.db`, `sqlite::memory:` or `postgres://user@host/database`. A ledger that
 * is not there yet is made: a file, 0600 in a folder 0700; tables in a database. Throws KeyturnError `config-invalid` for another URL, `ledger-unavailable`, `ledger-busy`.
 */
export async function openLedger(
  url: string,
  { readOnly = false, folder, clock = Date.now, onReplaced = ignore, onTrouble = ignore }: OpenOptions = {},
): Promise<Ledger & RunningLedger> {
  const { driver, suspected } = await openDriver(
    url,
    { readOnly, folder: folder ?? null },
    { clock, onReplaced, onTrouble },
  )
  return {
    restored: async () => (await driver.read(restored)) ?? suspected(),
    ...aboutPeople(driver),
    ...aboutAccounts(driver),
    ...aboutWork(driver),
    ...aboutRecord(driver),
    ...aboutRunningPeople(driver),
    ...aboutRunningWork(driver),
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  }
}

function ignore(): void {
  // Whoever wants to know says so.
}

function aboutPeople(driver: Driver) {
  const { read } = driver
  return {
    identities: (source) => read(() => people.identities(source)),
    identitiesById: (ids) => read(() => people.identitiesById(ids)),
    findPeople: (text) => read(() => people.findPeople(text)),
    acceptedRead: (source) => read(() => people.acceptedRead(source)),
    lastRefusal: (source) => read(() => people.lastRefusal(source)),
    saveIntake: (result, correlation) => saveIntake(driver, result, correlation),
    events: (identity, most) => read(() => people.events(identity, most)),
    dependents: (of) => read(() => people.dependents(of)),
    heldRoles: (identities) => read(() => people.heldRoles(identities)),
  } satisfies Partial<Ledger>
}

function aboutAccounts({ read, write }: Driver) {
  return {
    links: (platform, identities) => read(() => links(platform, identities)),
    linksOf: (identity) => read(() => linksOf(identity)),
    adopt: (adopted, audit) => write(() => adopt(adopted, audit)),
    grants: (platform, identities) => read(() => grants(platform, identities)),
    names: (platform, identities) => read(() => names(platform, identities)),
    allocate: (sequence, count, floor) => write(() => allocate(sequence, count, floor)),
  } satisfies Partial<Ledger>
}

function aboutWork({ read, write }: Driver) {
  return {
    admit: (admission) => admit({ read, write }, admission),
    claim(pointers, worker, leaseMs, now) {
      const id = randomUUID()
      return write(() => claim(pointers, { id, worker, leaseMs, now }))
    },
    renew: (tokens, leaseMs, now) => write(() => renew(tokens, leaseMs, now)),
    release: (tokens) => write(() => release(tokens)),
    intend: (intents, now) => write(() => intend(intents, now)),
    stepsDone: (steps) => write(() => stepsDone(steps)),
    settle: (settlements) => write(() => settle(settlements)),
    due: (platform, lane, now, most) => read(() => due(platform, lane, now, most)),
    isOwed: (platform, lane) => read(() => isOwed(platform, lane)),
    obligations: (filter) => read(() => obligations(filter)),
    obligationsOf: (pointers) => read(() => obligationsOf(pointers)),
    openCounts: () => read(() => openCounts()),
  } satisfies Partial<Ledger>
}

function aboutRecord({ read, write }: Driver) {
  return {
    holds: (filter) => read(() => holds(filter)),
    heldTogether: (identities) => read(() => heldTogether(identities)),
    decideHold: (id, decision, by, reason, now, only) =>
      decideHold({ read, write }, id, { decision, by, reason, now }, only),
    decisions: (platform, only) => read(() => decisions(platform, only)),
    audit: (records) => write(() => writeAudit(records)),
    auditOf: (identity, most) => read(() => auditOf(identity, most)),
    plans: (most) => read(() => plans(most)),
  } satisfies Partial<Ledger>
}
