import type { Logger } from '../../../src/model/ports.ts'
import type { NoticeNews } from '../../../src/model/running.ts'

type Told = NoticeNews['begun'][number]

export const noon = Date.UTC(2026, 10, 22, 12)

/** A revocation of an invented person that is late since noon. */
export function late(number: number, changes: Partial<Told> = {}): Told {
  return {
    key: `overdue:hr:${number}:corp-ad`,
    kind: 'revocation-late',
    severity: 'page',
    text: `hr:${number} should have been shut on corp-ad 30 s ago`,
    platform: 'corp-ad',
    identity: `hr:${number}`,
    since: noon,
    ...changes,
  }
}

export function down(platform: string, changes: Partial<Told> = {}): Told {
  return {
    key: `platform-down:${platform}`,
    kind: 'platform-down',
    severity: 'warn',
    text: `${platform} does not answer`,
    platform,
    identity: null,
    since: noon,
    ...changes,
  }
}

/** So many late revocations, the first the oldest. */
export const many = (count: number): Told[] =>
  Array.from({ length: count }, (_, index) => late(index + 1, { since: noon + index }))

export interface Line {
  readonly level: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** A logger that keeps what it is told. */
export function notebook(): Logger & { readonly lines: Line[] } {
  const lines: Line[] = []
  const say =
    (level: string) =>
    (message: string, fields: object = {}) => {
      lines.push({ level, message, fields: { ...fields } })
    }
  return {
    lines,
    debug: say('debug'),
    info: say('info'),
    change: say('change'),
    warn: say('warn'),
    error: say('error'),
  }
}
