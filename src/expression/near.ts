import { distance } from 'fastest-levenshtein'

/** The allowed word that was probably meant, or undefined when none is near. Case alone is always near. */
export function nearest(word: string, allowed: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase()
  const most = Math.max(1, Math.round(word.length * 0.4))
  let best: { word: string; far: number } | undefined
  for (const candidate of allowed) {
    const far = distance(wanted, candidate.toLowerCase())
    if (far <= most && (best === undefined || far < best.far)) best = { word: candidate, far }
  }
  return best?.word
}

/** `{ hint: 'Did you mean "department"?' }`, or nothing when no allowed word is near. */
export function didYouMean(word: string, allowed: Iterable<string>): { readonly hint?: string } {
  const near = nearest(word, allowed)
  return near === undefined ? {} : { hint: `Did you mean "${near}"?` }
}
