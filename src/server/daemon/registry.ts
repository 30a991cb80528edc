import { hostname } from 'node:os'
import { summarise } from '../../model/errors.ts'
import { SECOND } from '../../model/instant.ts'
import type { Role, Trouble } from '../../model/running.ts'
import type { Foundation } from '../context.ts'
import { every } from '../every.ts'

/** What this process says of itself to the others and to `status`. */
export interface Registry extends AsyncDisposable {
  /** Another policy is in force, or the configuration on disk is refused. */
  say(news: { readonly policyVersion?: string; readonly refusedConfig?: string | null }): void
  readonly refusedConfig: string | null
  /** Why the ledger could not be written when it was tried last; null: it could. */
  readonly trouble: Trouble | null
}

const sayEvery = 10 * SECOND

export function register({ ledger, logger, clock }: Foundation, roles: readonly Role[]): Registry {
  const id = `${hostname()}:${process.pid}`
  const startedAt = clock()
  let policyVersion = ''
  let refusedConfig: string | null = null
  let trouble: Trouble | null = null
  let saying: Promise<unknown> = Promise.resolve()
  const save = () => {
    saying = saying
      .then(() => ledger.saveProcess({ id, roles, startedAt, seenAt: clock(), policyVersion, refusedConfig }))
      .then(() => {
        trouble = null
      })
      .catch((error: unknown) => {
        logger.debug('the process could not say that it lives', summarise(error))
        trouble ??= { since: clock(), why: summarise(error).message }
      })
  }
  const timer = every(sayEvery, save)
  return {
    get refusedConfig() {
      return refusedConfig
    },
    get trouble() {
      return trouble
    },
    say(news) {
      policyVersion = news.policyVersion ?? policyVersion
      refusedConfig = news.refusedConfig === undefined ? refusedConfig : news.refusedConfig
      save()
    },
    async [Symbol.asyncDispose]() {
      timer[Symbol.dispose]()
      await saying.then(() => ledger.endProcess(id)).catch(() => undefined)
    },
  }
}
