import { opens } from '../model/change.ts'
import type { IdentityId } from '../model/identity.ts'
import type { ChangeResult, Settlement } from '../model/ledger.ts'
import { summarise } from '../model/errors.ts'
import type { SettlePorts } from './ports.ts'
import type { Job } from './work.ts'

/**
 * People whose revocation is over, and with whose account more is to be done than was admitted: a grant that was on its way
 * when they left is to be taken away, or the account was not there yet to be moved. Planning must look again; marked before the settlement, so that a crash forgets nobody.
 */
export async function markUnadmitted(
  jobs: readonly Job[],
  settlements: readonly Settlement[],
  ports: SettlePorts,
): Promise<void> {
  const over = new Set(settlements.flatMap((one) => (one.nextTryAt === null ? [one.obligation] : [])))
  const left = jobs.filter(({ unadmitted, obligation }) => {
    return unadmitted && obligation.lane === 'revoke' && over.has(obligation)
  })
  await mark(
    left.map(({ obligation }) => obligation),
    ports,
  )
}

/**
 * People whose settlement was refused because somebody else has taken over, and whose account may have been opened all the
 * same, or was shut: the write was on its way. Whoever took over may have looked before it arrived.
 */
export async function markStrayed(
  settlements: readonly Settlement[],
  lost: ReadonlySet<IdentityId>,
  ports: SettlePorts,
): Promise<void> {
  const refused = settlements.filter(({ obligation }) => lost.has(obligation.identity))
  const strayed = refused.filter((one) => one.results.some(mayOpen) || hasShut(one))
  if (strayed.length === 0) return
  await forgetProtocol(strayed.filter(setsPassword), ports)
  await rememberShut(strayed.filter(hasShut), ports)
  await mark(
    strayed.map(({ obligation }) => obligation),
    ports,
  )
}

/**
 * What they wrote all the same belongs into the record: who took over tells what came after it, and cannot know who did this.
 */
export async function recordStrayed(
  settlements: readonly Settlement[],
  lost: ReadonlySet<IdentityId>,
  { ledger, logger }: SettlePorts,
): Promise<void> {
  const strayed = settlements.filter(({ obligation }) => lost.has(obligation.identity))
  const written = strayed.flatMap(({ audit }) => audit.filter(({ result }) => result === 'done'))
  if (written.length === 0) return
  const why = 'written when another worker had taken over already'
  const told = written.map((one) => ({ ...one, detail: one.detail === null ? why : `${why}; ${one.detail}` }))
  try {
    await ledger.audit(told)
  } catch (error) {
    const identities = strayed.map(({ obligation }) => obligation.identity)
    logger.error('what was written without a claim could not be recorded', { identities, ...summarise(error) })
  }
}

/** Somebody may know the password of an account that was shut meanwhile: the leaver protocol is due once more. */
async function forgetProtocol(
  strayed: readonly Settlement[],
  { ledger, platform, logger }: SettlePorts,
): Promise<void> {
  const identities = strayed.map(({ obligation }) => obligation.identity)
  try {
    const links = identities.length === 0 ? [] : await ledger.links(platform, identities)
    const over = links.filter(({ shutByUs }) => shutByUs === 'leaver')
    if (over.length > 0) {
      await ledger.adopt(
        over.map((link) => ({ ...link, shutByUs: 'suspend' })),
        [],
      )
    }
  } catch (error) {
    logger.error('leavers whose password may be known could not be marked', { identities, ...summarise(error) })
  }
}

/**
 * Who was shut so late may be back since: it is we who hold the account shut, so a plan opens it again, with a new password. Of
 * somebody who has still left, whoever took over tells it.
 */
async function rememberShut(strayed: readonly Settlement[], { ledger, platform, logger }: SettlePorts): Promise<void> {
  const shut = new Map(strayed.flatMap(({ link }) => (link === null ? [] : [[link.identity, link] as const])))
  const identities = [...shut.keys()]
  try {
    const links = identities.length === 0 ? [] : await ledger.links(platform, identities)
    const ours = links.flatMap((link) => {
      const { nativeId, passwordScrambled = false } = shut.get(link.identity) ?? {}
      if (link.shutByUs !== null || link.nativeId !== nativeId) return []
      return { ...link, shutByUs: 'suspend' as const, passwordScrambled: link.passwordScrambled || passwordScrambled }
    })
    if (ours.length > 0) await ledger.adopt(ours, [])
  } catch (error) {
    logger.error('people who were shut without a claim could not be noted', { identities, ...summarise(error) })
  }
}

/** Was it open before, and has this run shut it? */
function hasShut({ link, results }: Settlement): boolean {
  return link !== null && link.shutByUs !== null && link.foundShut !== true && results.some(disables)
}

function disables({ change }: ChangeResult): boolean {
  return change.kind === 'disable'
}

function setsPassword({ results }: Settlement): boolean {
  return results.some((result) => result.change.kind === 'issue-credential' && mayOpen(result))
}

/** Was it sent? */
function mayOpen({ change, outcome }: ChangeResult): boolean {
  const code = outcome?.error?.code
  return opens(change) && outcome !== undefined && code !== 'claim-lost' && code !== 'stopped'
}

async function mark(people: readonly Settlement['obligation'][], ports: SettlePorts): Promise<void> {
  for (const [correlation, some] of Map.groupBy(people, (one) => one.correlation)) {
    const identities = some.map(({ identity }) => identity)
    try {
      await ports.ledger.lookAgain(identities, 'moved', ports.clock(), correlation)
    } catch (error) {
      ports.logger.error('people to be looked at again could not be marked', { identities, ...summarise(error) })
    }
  }
}
