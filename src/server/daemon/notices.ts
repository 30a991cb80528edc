// What people should know, as it is the case now. The ledger tells which of it is news, so that several daemons tell it once.
import { hostname } from 'node:os'
import { MINUTE, SECOND } from '../../model/instant.ts'
import { summarise } from '../../model/errors.ts'
import type { AcceptedRead, RefusedRead } from '../../model/identity.ts'
import { showPlace } from '../../model/place.ts'
import type { Hindrance, HoldCount, Notice, NoticeNews, Trouble } from '../../model/running.ts'
import type { Notifier } from '../../notify/index.ts'
import type { Keyturn } from '../context.ts'
import { every } from '../every.ts'
import { hindrancesOf } from '../hindered.ts'
import { newsOf } from './news.ts'

const lookEvery = 2 * SECOND
/** A revocation is warned of after this share of its objective. */
const nearly = 0.7
/** The account of a leaver that was found open again is told for so long. */
const reopenedFor = 10 * MINUTE
/** So is a ledger that came back from a backup. */
const restoredFor = 10 * MINUTE

export interface NoticeOptions {
  readonly notifier: Pick<Notifier, 'tell'>
  /** Revocations that were carried out while the ledger could not be written. */
  readonly spooled: () => number
  /** Why the ledger cannot be written. */
  readonly trouble: () => Trouble | null
}

export function openNotices(keyturn: Keyturn, options: NoticeOptions): AsyncDisposable {
  const { notifier } = options
  const tellTrouble = troubleTeller(options)
  let busy: Promise<void> | null = null
  const isNews = newsOf(keyturn.ledger, 5)
  const timer = every(lookEvery, () => {
    // While the ledger cannot be written there is no news in it, and nothing of it could be remembered.
    tellTrouble()
    if (!isNews()) return
    busy ??= look()
      .catch((error: unknown) => keyturn.logger.warn('notices could not be made', summarise(error)))
      .finally(() => {
        busy = null
      })
  })

  async function look(): Promise<void> {
    const news = await keyturn.ledger.noticed(await present(keyturn), keyturn.clock())
    if (news.begun.length > 0 || news.over.length > 0) notifier.tell(news)
  }

  return {
    async [Symbol.asyncDispose]() {
      timer[Symbol.dispose]()
      await busy
    },
  }
}

/** Tells that the ledger cannot be written, and when it can be again: the ledger itself cannot remember that it was told. */
function troubleTeller({ notifier, spooled, trouble }: NoticeOptions): () => void {
  let told: NoticeNews['begun'][number] | null = null
  return () => {
    const now = trouble()
    if (now !== null && told === null) {
      told = { ...unwritableNotice(now, spooled()), since: now.since }
      notifier.tell({ begun: [told], over: [] })
    } else if (now === null && told !== null) {
      notifier.tell({ begun: [], over: [told] })
      told = null
    }
  }
}

function unwritableNotice({ why }: Trouble, count: number): Notice {
  const shut = count === 0 ? '' : ` By now that were ${count === 1 ? 'one person' : `${count} people`}.`
  return {
    key: `ledger-spooled:${hostname()}`,
    kind: 'ledger-spooled',
    severity: 'page',
    platform: null,
    identity: null,
    text: `${why} As long as it can be read, who must be shut is shut all the same and spooled beside it; nothing else is done.${shut}`,
  }
}

/** Everything that is the case now. */
export async function present(keyturn: Keyturn): Promise<readonly Notice[]> {
  const { ledger, settings, clock } = keyturn
  const now = clock()
  const objectives = Object.values(settings.platforms).map(({ objectives: { revoke } }) => revoke)
  const soonest = Math.min(MINUTE, ...objectives)
  const [revocations, states, holds, processes, counts] = await Promise.all([
    ledger.openRevocations(now - soonest * nearly),
    ledger.platformStates(),
    ledger.openHoldCounts(),
    ledger.processes(now - MINUTE),
    ledger.openCounts(),
  ])
  return [
    ...bounded(revocations.flatMap((one) => lateNotice(one, settings.platforms[one.platform]?.objectives.revoke, now))),
    ...states.filter(({ state }) => state === 'down').map(downNotice),
    ...(await feeds(keyturn)),
    ...holds.filter(({ why }) => why !== 'protected').map(holdNotice),
    ...(await protectedLeavers(keyturn, holds)),
    ...(await heldPeople(keyturn)),
    ...(await keptByRejection(keyturn)),
    ...(await hindrances(keyturn)),
    ...processes.flatMap(({ id, refusedConfig }) => (refusedConfig === null ? [] : [configNotice(id, refusedConfig)])),
    ...counts.filter(({ failed }) => failed > 0).map(failedNotice),
    ...(await reopened(keyturn, now)),
    ...(await restored(keyturn, now)),
  ]
}

/** So many are told one by one; the rest as a number, since thousands of lines in a message help nobody. */
const mostLate = 200

function bounded(late: readonly Notice[]): readonly Notice[] {
  const others = late.slice(mostLate)
  if (others.length === 0) return late
  const about = { platform: null, identity: null } as const
  const text = `${others.length} more revocations are late, nearly late or not proven; "keyturn status" counts them.`
  return [...late.slice(0, mostLate), { ...about, key: 'late-others', kind: 'revocation-late', severity: 'page', text }]
}

type OpenRevocation = Awaited<ReturnType<Keyturn['ledger']['openRevocations']>>[number]

function lateNotice(one: OpenRevocation, objective: number | undefined, now: number): readonly Notice[] {
  const { identity, platform, receivedAt, lastError, proof } = one
  const waits = now - receivedAt
  const limit = objective ?? MINUTE
  if (waits < limit * nearly) return []
  const isLate = waits >= limit
  const why = lastError === null ? 'no try is over yet' : lastError.message
  const told = { platform, identity } as const
  const unproven: readonly Notice[] =
    proof?.grade === 'not-proven'
      ? [
          {
            ...told,
            key: `not-proven:${identity}:${platform}`,
            kind: 'not-proven',
            severity: 'page',
            text: `The revocation of ${identity} on ${platform} is not proven: ${proof.text}`,
          },
        ]
      : []
  return [
    {
      ...told,
      key: `${isLate ? 'late' : 'nearly-late'}:${identity}:${platform}`,
      kind: isLate ? 'revocation-late' : 'revocation-nearly-late',
      severity: isLate ? 'page' : 'warn',
      text: `${identity} may still have access on ${platform}: not proven ${seconds(waits)} after it was to end (objective ${seconds(limit)}); ${why}`,
    },
    ...unproven,
  ]
}

function downNotice({
  platform,
  error,
  since,
}: Awaited<ReturnType<Keyturn['ledger']['platformStates']>>[number]): Notice {
  return {
    key: `platform-down:${platform}`,
    kind: 'platform-down',
    severity: 'warn',
    platform,
    identity: null,
    text: `${platform} does not answer since ${new Date(since).toISOString()}: ${error?.message ?? 'unknown why'}`,
  }
}

async function feeds({ ledger, settings }: Keyturn): Promise<readonly Notice[]> {
  const found = await Promise.all(
    Object.keys(settings.sources).map(async (source) => {
      const [accepted, refused] = await Promise.all([ledger.acceptedRead(source), ledger.lastRefusal(source)])
      const isRefused = refused !== null && (accepted === null || accepted.at < refused.at)
      return [...(isRefused ? [refusedNotice(source, refused)] : []), ...setAsideNotice(source, accepted)]
    }),
  )
  return found.flat()
}

function refusedNotice(source: string, { why }: RefusedRead): Notice {
  const about = { kind: 'feed-refused', severity: 'page', platform: null, identity: null } as const
  return { ...about, key: `feed-refused:${source}`, text: `The feed ${source} is refused: ${why}` }
}

/** One for each feed, told anew when more rows are set aside: a leaver's must not hide behind one that is wrong for months. */
function setAsideNotice(source: string, accepted: AcceptedRead | null): readonly Notice[] {
  const { rows: count, since, first } = accepted?.setAside ?? { rows: 0, since: 0, first: [] }
  if (count === 0) return []
  const about = { kind: 'rows-set-aside', severity: 'page', platform: null, identity: null } as const
  const rows = count === 1 ? '1 row of the feed' : `${count} rows of the feed`
  const places = first.map(({ place, path }) => `${showPlace(place)} ${path}`.trimEnd())
  const more = count > first.length ? [`and ${count - first.length} more`] : []
  const what = 'set aside: nothing changes for their people, also where they left, until the feed is corrected'
  const text = `${rows} ${source} ${count === 1 ? 'is' : 'are'} ${what}. "keyturn plan" says why: ${[...places, ...more].join(', ')}`
  return [{ ...about, key: `rows-set-aside:${source}:${since}`, text }]
}

/**
 * Another key where leavers wait in it: a hold that was told as a warning is told anew when it begins to keep access. Not where
 * it only has another number.
 */
function holdNotice({ id, lasting, platform, why, text, people, leavers, someone }: HoldCount): Notice {
  const about = { platform, identity: people === 1 ? someone : null } as const
  const said = `Hold ${id} (${why}, ${people === 1 ? '1 person' : `${people} people`}): ${text}`
  if (leavers === 0) return { ...about, key: `hold:${lasting}`, kind: 'withheld', severity: 'warn', text: said }
  const who = leavers === 1 ? '1 person who left, or has' : `${leavers} people who left, or have`
  const still = `${who} no role for ${platform} any more, still ${leavers === 1 ? 'has' : 'have'} access there.`
  return {
    ...about,
    key: `hold-leavers:${lasting}`,
    kind: 'leavers-withheld',
    severity: 'page',
    text: `${still} ${said}`,
  }
}

/** So many people who are held are named. */
const mostHeld = 20

async function heldPeople({ ledger }: Keyturn): Promise<readonly Notice[]> {
  const { count, first } = await ledger.heldPeople(mostHeld)
  const told = { kind: 'person-held', severity: 'warn', platform: null } as const
  const named = first.map(({ identity, held }): Notice => {
    const text = `${identity} is held, and stays as before until the source is right: ${held}`
    return { ...told, key: `person-held:${identity}`, identity, text }
  })
  const others = count - first.length
  if (others <= 0) return named
  const text = `${others} more people are held; "keyturn status" counts them.`
  return [...named, { ...told, key: 'person-held-others', identity: null, text }]
}

/** HR says that they left, and a person said that they are not to be shut: nobody shall forget that. */
async function keptByRejection({ ledger }: Keyturn): Promise<readonly Notice[]> {
  const { first } = await ledger.rejectedLeavers(mostHeld)
  return first.map(({ identity, platform, hold }) => ({
    key: `rejected:${identity}:${platform}`,
    kind: 'leavers-withheld',
    severity: 'warn',
    platform,
    identity,
    text: `${identity} left and keeps access on ${platform}: shutting was rejected in hold ${hold}.`,
  }))
}

/** So many people of each hindrance are told one by one: who is added must not hide behind somebody who is hindered for months. */
const mostHindered = 200

async function hindrances(keyturn: Keyturn): Promise<readonly Notice[]> {
  return (await hindrancesOf(keyturn, mostHindered)).flatMap(hindranceNotices)
}

/** By ids only: what is in the way is told with names of accounts. */
function hindranceNotices({ platform, why, keptOut, people, first }: Hindrance): readonly Notice[] {
  const about = keptOut
    ? ({ kind: 'shutting-hindered', severity: 'page', platform } as const)
    : ({ kind: 'hindered', severity: 'warn', platform } as const)
  const what = keptOut ? 'to be shut and may still have access' : 'not as they should be'
  const where = `${what} on ${platform} (${why}); "keyturn plan" says what is to be put right.`
  const named = first.map(
    ({ identity }): Notice => ({
      ...about,
      key: `${about.kind}:${platform}:${why}:${identity}`,
      identity,
      text: `${identity} is ${where}`,
    }),
  )
  const others = people - first.length
  if (others <= 0) return named
  return [
    ...named,
    {
      ...about,
      key: `${about.kind}-others:${platform}:${why}`,
      identity: null,
      text: `${others} more people are ${where}`,
    },
  ]
}

/** Each of them by name: the second one who leaves must not hide behind the first (law 14). */
async function protectedLeavers({ ledger }: Keyturn, open: readonly HoldCount[]): Promise<readonly Notice[]> {
  const some = open.filter(({ why }) => why === 'protected')
  const holds = (await Promise.all(some.map(({ id }) => ledger.holds({ id })))).flat()
  return holds.flatMap(({ id, platform, text, items }) => {
    const people = new Set(items.filter(({ status }) => status === 'open').map(({ identity }) => identity))
    return [...people].map((identity): Notice => {
      const key = `protected-leaver:${identity}:${platform}`
      return {
        key,
        kind: 'protected-leaver',
        severity: 'page',
        platform,
        identity,
        text: `${identity}, hold ${id}: ${text}`,
      }
    })
  })
}

function configNotice(process: string, why: string): Notice {
  return {
    key: `config-refused:${process}`,
    kind: 'config-refused',
    severity: 'warn',
    platform: null,
    identity: null,
    text: `The configuration on disk is refused by ${process}; the last good one stays in force: ${why}`,
  }
}

function failedNotice({ platform, failed }: { readonly platform: string; readonly failed: number }): Notice {
  return {
    key: `failed:${platform}`,
    kind: 'change-failed',
    severity: 'warn',
    platform,
    identity: null,
    text: `${failed} people on ${platform} have changes that were given up; "keyturn status" shows why`,
  }
}

async function reopened({ ledger }: Keyturn, now: number): Promise<readonly Notice[]> {
  const records = await ledger.auditSince('reopened', now - reopenedFor)
  return records.map(({ identity, platform, detail, at }) => ({
    key: `reopened:${identity}:${platform}:${at}`,
    kind: 'reopened',
    severity: 'page',
    platform,
    identity,
    text: `The account of ${identity}, who left, was open again on ${platform}: ${detail}`,
  }))
}

/** Told for a while also where the reconciliation was quicker than this look. */
async function restored({ ledger }: Keyturn, now: number): Promise<readonly Notice[]> {
  const [standing, records] = await Promise.all([
    ledger.restored(),
    ledger.auditSince('ledger-restored', now - restoredFor),
  ])
  const [record] = records
  const at = record?.at ?? standing?.at
  if (at === undefined) return []
  const what = record?.detail ?? 'behind its witness; nothing is opened'
  const end = standing === null ? 'It is reconciled by now.' : 'It is not reconciled yet.'
  const text = `The ledger was restored from a backup, or is a new one (${what}). ${end} Operators' words and approvals since the backup must be said again.`
  const subject = { platform: null, identity: null } as const
  return [{ key: `ledger-restored:${at}`, kind: 'ledger-restored', severity: 'page', ...subject, text }]
}

function seconds(ms: number): string {
  return ms < 2 * MINUTE ? `${Math.round(ms / SECOND)} s` : `${Math.round(ms / MINUTE)} min`
}
