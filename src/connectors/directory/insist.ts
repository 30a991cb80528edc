import type { Connection } from './connection.ts'

/**
 * Does work that may be done twice: on another connection when the first is lost, and beside it when it has fallen silent. The
 * first answer counts, be it a refusal.
 * @throws what `work` throws; where both are lost, or there is no other, what stood in the way of the second
 */
export async function insist<T>(
  first: Connection,
  work: (connection: Connection) => Promise<T>,
  another: () => Promise<Connection>,
): Promise<T> {
  const answer = answered(first, work)
  const settled = await new Promise<boolean>((resolve) => {
    const forget = first.onSilence(() => resolve(false))
    answer
      .then(
        () => resolve(true),
        () => resolve(false),
      )
      .finally(forget)
  })
  if (settled) return taken(await answer)
  const second = another().then((connection) => answered(connection, work))
  try {
    return taken(await Promise.any([answer, second]))
  } catch (error) {
    throw error instanceof AggregateError ? error.errors.at(-1) : error
  }
}

type Answer<T> = { readonly value: T } | { readonly error: unknown }

/** What came of the work, be it a refusal; throws only where the connection was lost meanwhile, so that nobody knows. */
async function answered<T>(connection: Connection, work: (connection: Connection) => Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await work(connection) }
  } catch (error) {
    if (!connection.alive) throw error
    return { error }
  }
}

function taken<T>(answer: Answer<T>): T {
  if ('error' in answer) throw answer.error
  return answer.value
}
