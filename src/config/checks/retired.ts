import type { Problem } from '../../model/place.ts'
import type { Parts } from './files.ts'

/** What is given up and still there: one of the two is a mistake. */
export function checkRetired({ main }: Parts): readonly Problem[] {
  if (main === null) return []
  return (['sources', 'platforms'] as const).flatMap((section) =>
    main
      .get('retired', section)
      .items()
      .filter(({ text }) => text !== undefined && main.get(section, text).exists)
      .map((item) => item.error(`${item.text} is retired, and has a section`, { hint: 'Take one of the two away.' })),
  )
}
