import { pino } from 'pino'
import type { DestinationStream } from 'pino'
import type { Logger } from '../model/ports.ts'

/** Field names that never reach a log, wherever they stand: the last net below "secrets are references". */
const secretFields = ['password', 'secret', 'token', 'unicodePwd', 'userPassword', 'authorization', 'credentials']

/** `change` stands between info and warn: "what did it change?" is one look-up. */
const changeLevel = { change: 35 } as const

const standardError = 2

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'change' | 'warn' | 'error' | 'silent'
  /** Readable lines instead of JSON. */
  readonly pretty: boolean
  readonly destination?: DestinationStream
}

/** JSON lines on standard error (standard output belongs to the command's answer), or readable ones on a terminal. */
export async function openLog({ level, pretty, destination }: LogOptions): Promise<Logger> {
  const settings = {
    level,
    customLevels: changeLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[secret]' },
  }
  const log = pino<'change'>(settings, destination ?? (pretty ? await readable() : pino.destination(standardError)))
  return {
    debug: (message, fields = {}) => log.debug(fields, message),
    info: (message, fields = {}) => log.info(fields, message),
    change: (message, fields = {}) => log.change(fields, message),
    warn: (message, fields = {}) => log.warn(fields, message),
    error: (message, fields = {}) => log.error(fields, message),
  }
}

/** In this thread, not in a worker as pino's transports are: a line that was logged is on the terminal when the process ends. */
async function readable(): Promise<DestinationStream> {
  const { default: prettyStream } = await import('pino-pretty')
  return prettyStream({
    destination: standardError,
    sync: true,
    ignore: 'pid,hostname',
    customLevels: 'change:35',
    customColors: 'change:green',
    useOnlyCustomProps: false,
  })
}
