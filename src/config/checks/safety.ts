import { didYouMean } from '../../expression/index.ts'
import type { Problem } from '../../model/place.ts'
import type { Parts } from './files.ts'

/** Limits for platforms that nobody knows, and patterns that protect everything. */
export function checkSafety({ main }: Parts): readonly Problem[] {
  if (main === null) return []
  const platforms = main.get('platforms').keys()
  const unknown = main
    .get('safety', 'platforms')
    .entries()
    .filter(([id]) => !platforms.includes(id))
    .map(([id, at]) => {
      const message = `no platform is called ${JSON.stringify(id)}; known are ${platforms.join(', ') || 'none'}`
      return at.error(message, { at: 'key', ...didYouMean(id, platforms) })
    })
  const everything = main
    .get('safety', 'protected')
    .items()
    .filter(({ text }) => /^\*+$/.test(text ?? ''))
    .map((at) =>
      at.error(`${JSON.stringify(at.text)} is given, which protects every account: nothing could be changed`),
    )
  return [...unknown, ...everything]
}
