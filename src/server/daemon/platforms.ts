import { summarise } from '../../model/errors.ts'
import { SECOND } from '../../model/instant.ts'
import type { PlatformState } from '../../model/running.ts'
import type { Keyturn } from '../context.ts'
import { every } from '../every.ts'
import { newsOf } from './news.ts'

/** Whether platforms answer, as all processes know it: a pause never lives in one memory only (law 4). */
export interface PlatformStates extends AsyncDisposable {
  /** As it was when this process began. */
  readonly stored: readonly PlatformState[]
  readonly down: () => ReadonlySet<string>
  /** This process has found something out. */
  readonly save: (state: PlatformState) => void
  /** Another process has. */
  readonly onTold: (listener: (state: PlatformState) => void) => void
  /** A platform answers again, whoever found it out. */
  readonly onUp: (listener: (platform: string) => void) => void
}

const lookEvery = SECOND

export async function keepPlatformStates({ ledger, logger }: Keyturn): Promise<PlatformStates> {
  const stored = await ledger.platformStates()
  const known = new Map(stored.map((state) => [state.platform, state]))
  const listeners: ((state: PlatformState) => void)[] = []
  const glad: ((platform: string) => void)[] = []
  const rise = (before: PlatformState | undefined, { state, platform }: PlatformState) => {
    if (before?.state === 'down' && state === 'up') for (const listener of glad) listener(platform)
  }
  let saving: Promise<unknown> = Promise.resolve()

  async function look(): Promise<void> {
    for (const state of await ledger.platformStates()) {
      const before = known.get(state.platform)
      if (before?.state === state.state && before.since === state.since) continue
      known.set(state.platform, state)
      for (const listener of listeners) listener(state)
      rise(before, state)
    }
  }

  const complain = (error: unknown) => logger.warn('the state of a platform could not be shared', summarise(error))
  const isNews = newsOf(ledger, 10)
  const timer = every(lookEvery, () => {
    if (isNews()) void saving.then(look).catch(complain)
  })
  return {
    stored,
    down: () => new Set([...known.values()].filter(({ state }) => state === 'down').map(({ platform }) => platform)),
    save(state) {
      const before = known.get(state.platform)
      known.set(state.platform, state)
      if (before?.state !== state.state) tell(logger, state)
      rise(before, state)
      saving = saving.then(() => ledger.savePlatformState(state)).catch(complain)
    },
    onTold: (listener) => void listeners.push(listener),
    onUp: (listener) => void glad.push(listener),
    async [Symbol.asyncDispose]() {
      timer[Symbol.dispose]()
      await saving
    },
  }
}

function tell(logger: Keyturn['logger'], { platform, state, error, since }: PlatformState): void {
  if (state === 'up') logger.warn('a platform answers again', { platform })
  else {
    logger.error('a platform does not answer: its changes wait, its revocations are tried on', {
      platform,
      since: new Date(since).toISOString(),
      code: error?.code,
      error: error?.message,
    })
  }
}
