import type { Place, Problem } from '../model/place.ts'
import type { AtStake } from '../model/running.ts'
import type { Settings } from '../model/settings.ts'
import { versionOf } from './build/version.ts'

/** Names of what is there now, was there before, or means something else now. */
interface Difference {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
}

/** What another configuration asks of a running daemon. Places count for nothing: a comment changes nothing. */
export interface SettingsChange {
  /** Nothing is to be done. The newer settings are still the better ones: their places are those of the files now. */
  readonly same: boolean
  /** Who gets what, what is held or where something is only observed has changed: everybody is planned again. */
  readonly policy: boolean
  /** Feeds to open, to close, and to read anew. */
  readonly sources: Difference
  /** Platforms to connect, to leave, and to connect anew because of their address, limits or anything else. */
  readonly platforms: Difference
  /** The ledger or Redis is another one, which needs a restart. */
  readonly state: boolean
  readonly daemon: boolean
  readonly notifications: boolean
}

/** Compares the settings in force with those that would follow. Pure. */
export function compareSettings(before: Settings, after: Settings): SettingsChange {
  const sources = differenceOf(before.sources, after.sources)
  const platforms = differenceOf(before.platforms, after.platforms)
  const permitted = (settings: Settings) => [
    settings.policyVersion,
    settings.safety,
    Object.entries(settings.platforms).map(([id, { mode }]) => [id, mode]),
  ]
  return {
    same: !differ(before, after),
    policy: differ(permitted(before), permitted(after)),
    sources,
    platforms,
    state: differ(before.state, after.state),
    daemon: differ(before.daemon, after.daemon),
    notifications: differ(before.notifications, after.notifications),
  }
}

function differenceOf(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): Difference {
  const [old, now] = [Object.keys(before), Object.keys(after)]
  return {
    added: now.filter((id) => !Object.hasOwn(before, id)),
    removed: old.filter((id) => !Object.hasOwn(after, id)),
    changed: now.filter((id) => Object.hasOwn(before, id) && differ(before[id], after[id])),
  }
}

function differ(before: unknown, after: unknown): boolean {
  return versionOf(before) !== versionOf(after)
}

/** Why a configuration, right as it may be by itself, cannot follow the one in force: empty where it can. */
export function refuseReload(before: Settings, after: Settings, atStake: AtStake): readonly Problem[] {
  return [...refuseForgetting(before, after, atStake), ...stateProblems(before, after)]
}

/**
 * Whom a configuration would forget, by the ledger's memory.
 *
 * @param before what was last in force, where that is known: it tells what was renamed
 */
export function refuseForgetting(before: Settings | null, after: Settings, atStake: AtStake): readonly Problem[] {
  return [
    ...forsaken('platforms', before, after, atStake.links).map(({ id, count, ...rest }) =>
      problem(
        rest,
        `platforms.${id}`,
        `${amount(count, 'account')} of people on ${id} would be forgotten: nobody would shut them when their owners leave`,
        `Put its section back (with mode: observe Keyturn only looks there), or give it up: "retired: { platforms: [${id}] }".`,
      ),
    ),
    ...forsaken('sources', before, after, atStake.people).map(({ id, count, ...rest }) =>
      problem(
        rest,
        `sources.${id}`,
        `${amount(count, 'person', 'people')} of ${id} would stay for ever as they are: nothing would say when they leave`,
        `Put its section back until everybody in it has left, or give it up: "retired: { sources: [${id}] }".`,
      ),
    ),
  ]
}

interface Forsaken {
  readonly id: string
  readonly count: number
  readonly place: Place
  /** What it seems to be called now. */
  readonly renamed: string | undefined
}

function forsaken(
  section: 'platforms' | 'sources',
  before: Settings | null,
  after: Settings,
  counts: ReadonlyMap<string, number>,
): readonly Forsaken[] {
  return [...counts]
    .filter(([id, count]) => count > 0 && !Object.hasOwn(after[section], id) && !after.retired[section].includes(id))
    .map(([id, count]) => {
      const was = before?.[section][id]
      const renamed = Object.entries(after[section]).find(
        ([name, one]) => was !== undefined && before?.[section][name] === undefined && isSameThing(one, was),
      )
      return { id, count, place: was?.place ?? placeOf(after), renamed: renamed?.[0] }
    })
}

/** The same feed, or the same part of the same directory. */
function isSameThing(one: object, other: object): boolean {
  const where = (thing: object) => ['path', 'url', 'base'].map((key) => Object.entries(thing).find(([k]) => k === key))
  return !differ(where(one), where(other))
}

function problem(
  { place, renamed }: Pick<Forsaken, 'place' | 'renamed'>,
  path: string,
  message: string,
  otherwise: string,
): Problem {
  const hint = renamed === undefined ? otherwise : `It seems to be called "${renamed}" now. Give it its old name back.`
  return { severity: 'error', place, path, message, hint }
}

/** A running daemon has opened these already. */
export function stateProblems(before: Settings, after: Settings): readonly Problem[] {
  const isOther = (key: 'ledger' | 'folder' | 'redis') => before.state[key] !== after.state[key]
  // Where nothing is said of the folder, it is where the ledger is.
  return (['ledger', 'folder', 'redis'] as const)
    .filter((key) => isOther(key) && !(key === 'folder' && isOther('ledger')))
    .map((key) => ({
      severity: 'error',
      place: after.state.place ?? placeOf(after),
      path: `state.${key}`,
      message: 'is another one than that in use; it cannot change while the daemon runs',
      hint: 'Put it back, or stop the daemon and start it again.',
    }))
}

/** The file as a whole. */
function placeOf({ files: [file = 'keyturn.yaml'] }: Settings): Place {
  return { file, line: 0 }
}

function amount(count: number, one: string, more = `${one}s`): string {
  return `${count} ${count === 1 ? one : more}`
}
