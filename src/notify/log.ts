import type { Logger } from '../model/ports.ts'
import type { NoticeNews } from '../model/running.ts'
import type { Told } from './gather.ts'
import { byWorst, titleOf } from './message.ts'
import { oneLine } from './text.ts'

/** So many begun and so many over get a line of their own each time; of the others the log has the numbers. */
const most = 50

/** A line for each notice, the worst first, at once and whatever the other channels do. */
export function logNews(logger: Logger, { begun, over }: NoticeNews): void {
  for (const told of begun.toSorted(byWorst).slice(0, most)) {
    if (told.severity === 'page') logger.error('notice', fieldsOf(told))
    else if (told.severity === 'warn') logger.warn('notice', fieldsOf(told))
    else logger.info('notice', fieldsOf(told))
  }
  for (const told of over.toSorted(byWorst).slice(0, most)) logger.info('notice is over', fieldsOf(told))
  if (begun.length > most) logger.warn('more notices', { notices: countsOf(begun), logged: most })
  if (over.length > most) logger.info('more notices are over', { notices: countsOf(over), logged: most })
}

function fieldsOf({ key, kind, severity, text, platform, identity, since }: Told): object {
  return { key, kind, severity, text: oneLine(text), platform, identity, since: new Date(since).toISOString() }
}

function countsOf(all: readonly Told[]): readonly string[] {
  return [...Map.groupBy(all, ({ kind }) => kind)].map(([kind, ofKind]) => titleOf(kind, ofKind.length))
}
