// The leaver lock: accounts of people who left are looked at again and again, so that a door that somebody opens by hand, or
// that a stale write makes, is shut within seconds. Never a scan of the directory: so many leavers each time, the newest always.
import type { AccountRef, ObservedAccount } from '../../model/account.ts'
import type { Connector } from '../../model/connector.ts'
import { HOUR, SECOND } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import { summarise } from '../../model/errors.ts'
import type { IdentityId } from '../../model/identity.ts'
import type { AuditRecord } from '../../model/ledger.ts'
import type { Leaver } from '../../model/running.ts'
import { storyOf } from '../context.ts'
import type { Keyturn } from '../context.ts'
import { overlaid } from '../people.ts'
import { settingsOf } from '../survey.ts'
import { every } from '../every.ts'

/** Looked at in each round: the newest leavers, and a page of all, in turn. */
const newest = 200
const page = 300
/**
 * An account that stays open is told again after this time, ms: what a plan does not shut (it is not known to be theirs, or only
 * observed) would else be told with every look.
 */
const tellAgain = HOUR

/** Whoever is marked is planned within this time, ms, or something is in the way. */
const lookedAtWithin = 10 * SECOND

export interface LeaverLockOptions {
  /** Connections of the revoke lane. */
  readonly connectors: ReadonlyMap<string, Connector>
  readonly down: () => ReadonlySet<string>
  readonly onReopened: () => void
}

/** Watches every platform at its own interval (`leaver.watch`). */
export function openLeaverLock(keyturn: Keyturn, options: LeaverLockOptions): AsyncDisposable {
  const stop = new AbortController()
  const rounds = [...options.connectors.values()].flatMap((connector) => {
    const { watch } = settingsOf(keyturn, connector).leaver
    return watch === undefined ? [] : [watchOne(keyturn, connector, watch, options, stop.signal)]
  })
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all(rounds.map((round) => round.end()))
    },
  }
}

function watchOne(
  keyturn: Keyturn,
  connector: Connector,
  interval: number,
  options: LeaverLockOptions,
  signal: AbortSignal,
): { end(): Promise<void> } {
  let after: IdentityId | null = null
  let busy: Promise<void> | null = null
  /** Accounts that were found open and told, and when. */
  const told = new Map<string, Instant>()

  async function round(): Promise<void> {
    const recent = await keyturn.ledger.leavers(connector.id, { newest })
    const next = await keyturn.ledger.leavers(connector.id, { after, most: page })
    after = next.length < page ? null : (next.at(-1)?.identity ?? null)
    const leavers = new Map([...recent, ...next].map((leaver) => [leaver.identity, leaver]))
    if (leavers.size === 0) return
    const { shut, opened } = await lookAt(keyturn, connector, [...leavers.values()], signal)
    for (const { nativeId } of shut) told.delete(nativeId)
    const news = await newsAmong(keyturn, connector, opened, told)
    if (news.length === 0) return
    const now = keyturn.clock()
    await report(storyOf(keyturn), connector, news, signal)
    for (const { account } of news) told.set(account.nativeId, now)
    options.onReopened()
  }

  const timer = every(interval, () => {
    if (busy !== null || options.down().has(connector.id)) return
    busy = round()
      .catch((error: unknown) => {
        if (!signal.aborted)
          keyturn.logger.warn('leavers could not be looked at', { platform: connector.id, ...summarise(error) })
      })
      .finally(() => {
        busy = null
      })
  })
  return {
    async end() {
      timer[Symbol.dispose]()
      await busy
    },
  }
}

interface Opened {
  readonly identity: IdentityId
  readonly account: ObservedAccount
  /** False: it stands under a name of this person, and nobody is known to own it. */
  readonly isLinked: boolean
}

interface Seen {
  readonly shut: readonly ObservedAccount[]
  readonly opened: readonly Opened[]
}

async function lookAt(
  keyturn: Keyturn,
  connector: Connector,
  leavers: readonly Leaver[],
  signal: AbortSignal,
): Promise<Seen> {
  // Asked before as well: what is read while somebody is being shut may be of before, and settled when it is compared.
  const before = await lookedAtAlready(
    keyturn,
    connector,
    leavers.map(({ identity }) => identity),
  )
  const read = await connector.read(leavers.flatMap(refsOf), signal)
  // An incomplete read proves nothing about the others, but what it shows open is open.
  const open = read.items.filter(({ enabled }) => enabled)
  const shut = read.items.filter(({ enabled }) => !enabled)
  if (open.length === 0) return { shut, opened: [] }
  const byId = new Map(leavers.flatMap(({ nativeId, identity }) => (nativeId === null ? [] : [[nativeId, identity]])))
  const byName = new Map(leavers.flatMap(({ names, identity }) => names.map((name) => [name, identity])))
  const owned = open.flatMap((account) => {
    const owner = byId.get(account.nativeId)
    const identity = owner ?? byName.get(account.name.toLowerCase())
    return identity === undefined || before.has(identity) ? [] : [{ identity, account, isLinked: owner !== undefined }]
  })
  return { shut, opened: await stillGone(keyturn, connector, owned) }
}

/** By name as well: an account that was deleted and made anew has another native id. */
function refsOf({ nativeId, names }: Leaver): readonly AccountRef[] {
  const named = names.map((name) => ({ name, matches: [] }))
  return nativeId === null ? named : [{ nativeId }, ...named]
}

/** Without those who came back, and those who are being looked at already. */
async function stillGone(
  keyturn: Keyturn,
  connector: Connector,
  opened: readonly Opened[],
): Promise<readonly Opened[]> {
  const ids = opened.map(({ identity }) => identity)
  const people = await overlaid(keyturn, await keyturn.ledger.identitiesById(ids))
  const gone = new Set(people.filter(({ state }) => state === 'left' || state === 'archived').map(({ id }) => id))
  const already = await lookedAtAlready(keyturn, connector, ids)
  return opened.filter(({ identity }) => gone.has(identity) && !already.has(identity))
}

/**
 * Those who are marked or owed a revocation here. An older mark, or what is owed elsewhere, tells of another platform that does not
 * answer: it must not hide what is open here.
 */
async function lookedAtAlready(
  { ledger, clock }: Keyturn,
  { id: platform }: Connector,
  ids: readonly IdentityId[],
): Promise<ReadonlySet<IdentityId>> {
  const pointers = ids.map((identity) => ({ identity, platform, lane: 'revoke' as const }))
  const [marks, obligations] = await Promise.all([ledger.markedOf(ids), ledger.obligationsOf(pointers)])
  const isRecent = ({ since }: { readonly since: Instant }) => Math.abs(clock() - since) < lookedAtWithin
  const marked = marks.filter(isRecent).flatMap(({ identity }) => identity ?? [])
  const owed = obligations.filter(({ lane, state }) => lane === 'revoke' && state === 'owed')
  return new Set([...marked, ...owed.map(({ identity }) => identity)])
}

/** Not told yet, or told and shut since then, or told long ago. `told`: when, by native id. */
async function newsAmong(
  { ledger, clock }: Keyturn,
  { id: platform }: Connector,
  opened: readonly Opened[],
  told: ReadonlyMap<string, Instant>,
): Promise<readonly Opened[]> {
  const pointers = opened.map(({ identity }) => ({ identity, platform, lane: 'revoke' as const }))
  const admitted = new Map(
    (await ledger.obligationsOf(pointers)).map(({ identity, admittedAt }) => [identity, admittedAt]),
  )
  return opened.filter(({ identity, account }) => {
    const toldAt = told.get(account.nativeId)
    if (toldAt === undefined || Math.abs(clock() - toldAt) > tellAgain) return true
    return (admitted.get(identity) ?? 0) >= toldAt
  })
}

async function report(
  keyturn: Keyturn,
  connector: Connector,
  opened: readonly Opened[],
  signal: AbortSignal,
): Promise<void> {
  const { ledger, logger, clock, correlation } = keyturn
  const now = clock()
  // Asked before anybody is marked, since shutting the door is a change as well; but the mark does not wait for the answer.
  const asking = Promise.all(opened.map((one) => whoDidIt(keyturn, connector, one, now, signal)))
  // Should the mark fail, nobody waits for it any more.
  asking.catch(() => undefined)
  const ids = [...new Set(opened.map(({ identity }) => identity))]
  await ledger.lookAgain(ids, 'reopened', now, correlation)
  for (const { identity, account } of opened) {
    logger.error('the account of a leaver is open again', {
      identity,
      platform: connector.id,
      nativeId: account.nativeId,
      correlation,
    })
  }
  await ledger.audit(await asking)
}

async function whoDidIt(
  { correlation, operator }: Keyturn,
  connector: Connector,
  { identity, account, isLinked }: Opened,
  at: number,
  signal: AbortSignal,
): Promise<AuditRecord> {
  const change = await connector.lastChange?.(account.nativeId, signal).catch(() => null)
  const who = change?.by ?? null
  const when = change?.at === null || change?.at === undefined ? '' : ` at ${new Date(change.at).toISOString()}`
  return {
    at,
    correlation,
    identity,
    platform: connector.id,
    account: account.name,
    action: 'reopened',
    reason: {
      kind: 'setting',
      text: isLinked
        ? 'an account of somebody who left was found open (leaver.watch)'
        : 'an open account was found under the name of somebody who left (leaver.watch)',
    },
    operator,
    before: 'shut',
    after: 'open',
    askedAt: null,
    result: 'found',
    detail:
      change === null || change === undefined
        ? 'the platform does not say who opened it'
        : `last changed by ${who ?? 'an unknown hand'}${when} (${change.source})`,
  }
}
