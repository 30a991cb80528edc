// The ledger's tables as Kysely sees them. Instants are milliseconds, booleans are 0 or 1, JSON is text: all of it means the
// same in SQLite and in PostgreSQL.
import type { Generated } from 'kysely'

/** Any JSON value as text. */
export type Json = string
/** 0 or 1. */
export type Flag = number

export interface Schema {
  migration: { number: number; name: string; applied_at: number }
  ledger_self: SelfRow
  identity: IdentityRow
  identity_history: { id: Generated<number>; identity: string; at: number; correlation: string; old: Json }
  event: EventRow
  accepted_read: {
    source: string
    at: number
    row_count: number
    active: number
    modified_at: number
    mapping_version: string
    number: number
    digest: string | null
    set_aside: Json | null
  }
  refused_read: { source: string; at: number; why: string; hint: string }
  reference: { identity: string; name: string; target: string }
  held_role: { identity: string; role: string; since: number; lost_at: number | null }
  look_again: {
    id: Generated<number>
    identity: string | null
    cause: string
    since: number
    correlation: string
    /** Somebody who must not be let in, as it was when the mark was made. */
    urgent: Flag
  }
  override: OverrideRow
  tick: { schedule: string; at: number }
  platform_state: { platform: string; state: string; since: number; error: Json | null; probe_at: number | null }
  process: ProcessRow
  notice: NoticeRow
  link: LinkRow
  name_claim: { platform: string; name: string; identity: string; claimed_at: number }
  grant: { identity: string; platform: string; entitlement: string; reason: Json; granted_at: number }
  number_sequence: { name: string; next: number }
  plan: PlanRow
  obligation: ObligationRow
  removal: { platform: string; identity: string; at: number }
  revocation: RevocationRow
  admitted_change: AdmittedChangeRow
  intent: { id: Generated<number>; obligation: number; token: string; kind: string; target: string; at: number }
  revocation_step: { id: Generated<number>; obligation: number; step: string; at: number; detail: string }
  hold: HoldRow
  hold_item: HoldItemRow
  superseded_number: { number: number; hold: number }
  hindrance: HindranceRow
  audit: AuditRow
}

/** One row. */
export interface SelfRow {
  one: number
  /** Random, made with the ledger. */
  id: string
  /** Counts what the witness was told. */
  beat: number
  beat_at: number | null
  /** Since when it is known that this ledger came back from a backup, until a reconciliation has run. */
  restored_at: number | null
  /** When the backup was made, as far as the ledger tells: its last beat. */
  known_until: number | null
  /** Accepted reads of each source as the backup knew them: their numbers by source. */
  restored_reads: Json | null
}

export interface IdentityRow {
  id: string
  source: string
  key: string
  attributes: Json
  refers_to: Json
  unresolved: Json | null
  status: string
  starts_at: number | null
  ends_at: number | null
  access_ends_at: number | null
  zone: string
  state: string
  next_at: number | null
  next_state: string | null
  held: string | null
  left_at: number | null
  announced_at: number | null
  vanished_at: number | null
  left_before_first_seen: Flag
  first_seen_at: number
  reason: Json
  record_hash: string
  place: Json
  /** What people type to find somebody, in lower case. */
  folded_id: string
  folded_key: string
  folded_mail: string | null
  folded_email: string | null
  revision: number
  /** When the clock alone changes something for this person; admission writes it. */
  due_at: number | null
}

export interface OverrideRow {
  id: Generated<number>
  identity: string
  kind: string
  state: string | null
  emergency: Flag
  until: number | null
  reason: string
  operator: string
  made_at: number
  ended_at: number | null
}

interface ProcessRow {
  id: string
  roles: Json
  started_at: number
  seen_at: number
  policy_version: string
  refused_config: string | null
}

export interface NoticeRow {
  key: string
  kind: string
  severity: string
  text: string
  platform: string | null
  identity: string | null
  since: number
}

interface EventRow {
  id: Generated<number>
  identity: string
  kind: string
  effective_at: number
  observed_at: number
  reason: Json
  changed: Json
  correlation: string
}

export interface LinkRow {
  identity: string
  platform: string
  native_id: string
  name: string
  folded_name: string
  address: string
  how: string
  linked_at: number
  shut_by_us: string | null
  password_scrambled: Flag
  found_shut: Flag
  shut_at: number | null
}

interface PlanRow {
  id: Generated<number>
  hash: string
  at: number
  policy_version: string
  changes: number
  withheld: number
  correlation: string
  operator: string
}

export interface ObligationRow {
  id: Generated<number>
  identity: string
  platform: string
  lane: string
  wanted: number
  settled: number
  /** `owed` and `waiting`: settled < wanted. `settled` and `failed`: settled = wanted. */
  state: string
  tries: number
  next_try_at: number | null
  /** Random text of the claim that holds it, or null. */
  claim: string | null
  worker: string | null
  claimed_at: number | null
  claimed_until: number | null
  /** The wanted number when it was claimed. */
  claimed_number: number | null
  /** The lane for which it was claimed: a revocation takes over from a change, and from nothing else. */
  claimed_lane: string | null
  admitted_at: number
  /** When the newest number was given; null where only the admission is known. */
  numbered_at: number | null
  /** When the cause was noticed; null where only the admission is known. */
  received_at: number | null
  effective_at: number | null
  correlation: string
  operator: string
  plan_hash: string
  error: Json | null
  proof: Json | null
}

interface RevocationRow {
  id: Generated<number>
  identity: string
  platform: string
  effective_at: number | null
  received_at: number
  admitted_at: number
  proven_at: number
  grade: string
}

interface AdmittedChangeRow {
  id: Generated<number>
  obligation: number
  number: number
  kind: string
  change: Json
  /** `admitted`, `retry` and `waiting` are open; `done`, `already`, `failed`, `moved` and `superseded` are closed. */
  status: string
  /** For an update with another person's account: that person. */
  account_of: string | null
  error: Json | null
}

interface HoldRow {
  id: Generated<number>
  /** What people call it: another one with each plan that adds something, so that a number stands for what was shown. */
  number: number
  platform: string
  why: string
  text: string
  status: string
  made_at: number
  decided_at: number | null
  decided_by: string | null
  reason: string | null
}

interface HoldItemRow {
  id: Generated<number>
  hold: number
  fingerprint: string
  identity: string
  summary: string
  status: string
  /** The change itself, where releasing it admits it at once. */
  change: Json | null
  /** The number under which it was first shown; null in a ledger of before there were such. */
  joined: number | null
  decided_at: number | null
  decided_by: string | null
  reason: string | null
}

export interface HindranceRow {
  identity: string
  platform: string
  why: string
  text: string
  since: number
  /** Somebody who is to be shut, and may still have access. */
  kept_out: Flag
}

interface AuditRow {
  id: Generated<number>
  at: number
  correlation: string
  identity: string | null
  platform: string | null
  account: string | null
  action: string
  reason: Json | null
  operator: string
  before: string | null
  after: string | null
  asked_at: number | null
  result: string
  detail: string | null
}
