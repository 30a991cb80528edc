/** The beat on which everything here is done, ms. */
const beat = 250

const callers = new Map<object, { readonly beats: number; readonly act: () => void }>()
let timer: NodeJS.Timeout | undefined
let beaten = 0

/**
 * Calls `act` about every `ms` until it is disposed; the first time may come sooner. All callers share one timer: to wake up is
 * most of what an idle daemon costs, and whoever waits equally long is called in the same turn of the event loop.
 *
 * @param ms at least a quarter of a second, and rounded to quarters
 * @param act never throws: that would end the daemon
 */
export function every(ms: number, act: () => void): Disposable {
  const key = {}
  callers.set(key, { beats: Math.max(1, Math.round(ms / beat)), act })
  // Whoever has nothing else to live for may end.
  timer ??= setInterval(onBeat, beat).unref()
  return {
    [Symbol.dispose]() {
      callers.delete(key)
      if (callers.size > 0) return
      clearInterval(timer)
      timer = undefined
    },
  }
}

function onBeat(): void {
  beaten += 1
  // A map goes on when it is changed meanwhile: who has ended is called no more.
  for (const { beats, act } of callers.values()) if (beaten % beats === 0) act()
}
