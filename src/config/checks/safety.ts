import { didYouMean } from '../../expression/index.ts'
import type { Problem } from '../../model/place.ts'
import { mayBeShown } from '../secret-lines.ts'
import type { Parts } from './files.ts'

/** Limits for platforms that nobody knows, patterns that protect everything, and addresses of Redis. */
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
  const redis = main.get('state', 'redis')
  const hasPassword = redis.text !== undefined && !mayBeShown(redis.path, redis.text)
  return [
    ...unknown,
    ...everything,
    ...(hasPassword
      ? [
          redis.error('the address holds a password, allowed is a reference to the whole address', {
            hint: 'Put the address into a variable or a file, and write env:NAME or file:PATH.',
          }),
        ]
      : []),
  ]
}
