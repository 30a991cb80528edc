/** What came in time, or `late`. What comes later, also an error, is ignored. */
export async function inTime<T>(promise: Promise<T>, ms: number): Promise<T | 'late'> {
  promise.catch(() => undefined)
  const { promise: late, resolve } = Promise.withResolvers<'late'>()
  const timer = setTimeout(() => resolve('late'), ms)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** What came in time; throws what `late` makes where nothing did. */
export async function inTimeOrThrow<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  const end = await inTime(promise, ms)
  if (end === 'late') throw late()
  return end
}
