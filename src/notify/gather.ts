import type { Notice, NoticeNews } from '../model/running.ts'

/** A notice with the moment since which it holds. */
export type Told = NoticeNews['begun'][number]

/** News that wait for the next message, by key: whatever happens to one thing meanwhile, it is told once, as it is now. */
export interface Gathered {
  readonly begun: Map<Notice['key'], Told>
  readonly over: Map<Notice['key'], Told>
}

export function nothingGathered(): Gathered {
  return { begun: new Map(), over: new Map() }
}

export function isEmpty(gathered: Gathered): boolean {
  return gathered.begun.size === 0 && gathered.over.size === 0
}

/** Adds news to what is gathered; the later word about a thing replaces the earlier one. */
export function gather(gathered: Gathered, news: { begun: Iterable<Told>; over: Iterable<Told> }): void {
  for (const told of news.begun) {
    gathered.over.delete(told.key)
    gathered.begun.set(told.key, told)
  }
  for (const told of news.over) {
    gathered.begun.delete(told.key)
    gathered.over.set(told.key, told)
  }
}

/** Empties it; what was in it is returned. */
export function take(gathered: Gathered): { readonly begun: readonly Told[]; readonly over: readonly Told[] } {
  const taken = { begun: [...gathered.begun.values()], over: [...gathered.over.values()] }
  gathered.begun.clear()
  gathered.over.clear()
  return taken
}
