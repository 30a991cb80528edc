// The people's side of what only a running daemon and the operators' words need.
import type { RunningLedger } from '../model/running.ts'
import type { Driver } from './driver.ts'
import { heldPeople } from './people.ts'
import * as again from './look-again.ts'
import * as words from './overrides.ts'
import * as state from './running-state.ts'

export function aboutRunningPeople({ read, write, version }: Driver) {
  return {
    version,
    lookAgain: (identities, cause, since, correlation) =>
      write(() => again.markAgain(identities, cause, since, correlation)),
    marked: (most) => read(() => again.marked(most)),
    markedUrgently: (after, most) => read(() => again.markedUrgently(after, most)),
    lastUnhurriedMark: () => read(() => again.lastUnhurriedMark()),
    markedOf: (identities) => read(() => again.markedOf(identities)),
    clockDue: (now, most) => read(() => again.clockDue(now, most)),
    nextClockDue: () => read(() => again.nextClockDue()),
    tick: (schedule, at, now) => write(() => state.tick(schedule, at, now)),
    override: (made, correlation) => write(() => words.override(made, correlation)),
    endOverride: (identity, kind, by, reason, now, correlation) =>
      write(() => words.endOverride(identity, kind, by, reason, now, correlation)),
    overrides: (now, identities) => read(() => words.overrides(now, identities)),
    overridesOf: (identity) => read(() => words.overridesOf(identity)),
    emergenciesBy: (operator, since, but) => read(() => words.emergenciesBy(operator, since, but)),
    heldPeople: (most) => read(() => heldPeople(most)),
    platformStates: () => read(() => state.platformStates()),
    savePlatformState: (one) => write(() => state.savePlatformState(one)),
    saveProcess: (process) => write(() => state.saveProcess(process)),
    endProcess: (id) => write(() => state.endProcess(id)),
    processes: (since) => read(() => state.processes(since)),
    noticed: (present, now) => write(() => state.noticed(present, now)),
  } satisfies Partial<RunningLedger>
}
