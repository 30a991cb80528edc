/** At most this many requests in flight on one platform: more brought nothing on any server measured. */
export const mostInFlight = 64

/** Does `work` for every item, at most `limit` at a time; results are in the order of the items. The first failure ends it. */
export async function inFlight<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const queue = items.entries()
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item, index)
  }
  const workers = Math.max(1, Math.min(limit, mostInFlight, items.length))
  await Promise.all(Array.from({ length: workers }, worker))
  return results
}

/** The items in portions of at most `size`. */
export function portions<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}

/** Lets at most `limit` run at a time; the others wait in the order in which they came. */
export class Gate {
  readonly #limit: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running++
    try {
      return await work()
    } finally {
      // Whoever waits longest takes over the place of the one that ends.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
