import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { KeyturnError } from '../model/errors.ts'
import type { SealAnswer, SealRequest } from './seal-worker.ts'

/** Encrypts for age recipients away from the event loop, which revocations need. */
export interface Sealer extends AsyncDisposable {
  /** @throws KeyturnError `delivery-failed` */
  seal(text: string, recipients: readonly string[]): Promise<Uint8Array>
}

interface Waiting {
  readonly resolve: (sealed: Uint8Array) => void
  readonly reject: (error: Error) => void
  readonly thread: Worker
}

/** Threads start with the first text and never keep the process alive by themselves. */
export function openSealer(threads = Math.max(1, Math.min(4, availableParallelism() - 1))): Sealer {
  const pool: Worker[] = []
  const waiting = new Map<number, Waiting>()
  let next = 0

  function settle(id: number, act: (one: Waiting) => void): void {
    const one = waiting.get(id)
    waiting.delete(id)
    if (one !== undefined) act(one)
    if (one !== undefined && ![...waiting.values()].some(({ thread }) => thread === one.thread)) one.thread.unref()
  }

  function start(): Worker {
    const thread = new Worker(new URL('./seal-worker.ts', import.meta.url))
    thread.on('message', (answer: SealAnswer) => {
      settle(answer.id, ({ resolve, reject }) => {
        if ('sealed' in answer) resolve(answer.sealed)
        else reject(new KeyturnError('delivery-failed', `a hand-over file could not be encrypted: ${answer.failed}`))
      })
    })
    thread.on('error', (cause) => {
      pool.splice(pool.indexOf(thread), 1)
      for (const [id, one] of waiting) {
        if (one.thread !== thread) continue
        settle(id, ({ reject }) => {
          reject(new KeyturnError('delivery-failed', 'the thread that encrypts hand-over files ended', { cause }))
        })
      }
    })
    thread.unref()
    pool.push(thread)
    return thread
  }

  return {
    seal(text, recipients) {
      const id = next
      next += 1
      const thread = pool.length < threads ? start() : pool[id % pool.length]
      if (thread === undefined) throw new KeyturnError('delivery-failed', 'no thread to encrypt hand-over files')
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject, thread })
        thread.ref()
        thread.postMessage({ id, recipients, text } satisfies SealRequest, [])
      })
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(pool.splice(0).map((thread) => thread.terminate()))
      for (const id of waiting.keys()) {
        settle(id, ({ reject }) => reject(new KeyturnError('delivery-failed', 'the hand-over was closed')))
      }
    },
  }
}
