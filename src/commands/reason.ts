import { KeyturnError } from '../model/errors.ts'

/** What `--reason` says. Throws KeyturnError `usage` where it says nothing: it is what the auditor reads. */
export function reasonOf(text: string): string {
  const reason = text.trim()
  if (reason !== '') return reason
  throw new KeyturnError('usage', '--reason is empty', {
    hint: 'One sentence for the audit, such as "dismissed, HR case 4711".',
  })
}
