/** Something that many ask for, and that is never done twice at once. */
export interface Turns {
  /** Resolves when it was done from here on: what runs already may have missed what the caller knows. */
  ask(): Promise<void>
  /** Resolves when nothing of it runs any more. */
  idle(): Promise<void>
}

/** Whoever asks while it runs gets one more turn after it, together with all others who ask meanwhile. `act` never throws. */
export function inTurns(act: () => Promise<void>): Turns {
  let running: Promise<void> | null = null
  let next: Promise<void> | null = null
  const ask = (): Promise<void> => {
    if (running === null) {
      running = act().finally(() => {
        running = null
      })
      return running
    }
    next ??= running.then(() => {
      next = null
      return ask()
    })
    return next
  }
  const idle = async (): Promise<void> => {
    const last = next ?? running
    if (last === null) return
    await last
    await idle()
  }
  return { ask, idle }
}
