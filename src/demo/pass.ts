import type { ChangeKind } from '../model/change.ts'
import { applyAndFollow } from '../server/following.ts'
import type { ApplyReport } from '../server/applying.ts'
import { openKeyturn } from '../server/context.ts'
import { openLog } from '../server/log.ts'
import { makePlanning } from '../server/planning.ts'
import type { Stage } from '../server/planning.ts'
import { bar } from './screen.ts'
import type { Screen } from './screen.ts'

/** What `keyturn apply` did, counted. */
export interface Pass {
  readonly report: ApplyReport
  /** From opening the configuration to the last settled account, ms. */
  readonly took: number
  readonly done: Readonly<Partial<Record<ChangeKind, number>>>
  /** Everything was carried out, and nothing is owed. */
  readonly settled: boolean
}

const stages: Readonly<Record<Stage | 'admit' | 'work', string>> = {
  sources: 'reading the feed',
  platforms: 'reading the directory',
  plan: 'making the plan',
  admit: 'admitting the plan',
  work: 'applying',
}

/** One pass, exactly as `keyturn apply` makes it. Throws KeyturnError. */
export async function pass(config: string, screen: Screen, signal: AbortSignal): Promise<Pass> {
  const begun = Date.now()
  await using keyturn = await openKeyturn({
    config,
    readOnly: false,
    logger: await openLog({ level: 'silent', pretty: false }),
  })
  const onStage = (stage: Stage | 'admit' | 'work') => screen.working(`${stages[stage]} …`)
  const planning = await makePlanning(keyturn, { confirmed: false, signal, onStage })
  const report = await applyAndFollow(keyturn, planning, {
    signal,
    onStage,
    onProgress: ({ total, settled, failed }) => {
      screen.working(`${bar((settled + failed) / total)} ${settled} of ${total} accounts`)
    },
  })
  signal.throwIfAborted()
  return { report, took: Date.now() - begun, done: countDone(report), settled: isSettled(report) }
}

function countDone(report: ApplyReport): Partial<Record<ChangeKind, number>> {
  const done: Partial<Record<ChangeKind, number>> = {}
  for (const result of report.settled.flatMap((one) => one.results)) {
    const { kind } = result.change
    if (result.status === 'done') done[kind] = (done[kind] ?? 0) + 1
  }
  return done
}

function isSettled(report: ApplyReport): boolean {
  return report.unread.length === 0 && report.obligations.every((one) => one.state === 'settled')
}
