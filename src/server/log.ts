import { pino } from 'pino'
import type { Logger as PinoLogger, DestinationStream } from 'pino'
import type { Logger } from '../model/ports.ts'

/** Field names that never reach a log, wherever they stand: the last net below "secrets are references". */
const secretFields = ['password', 'secret', 'token', 'unicodePwd', 'userPassword', 'authorization', 'credentials']

/** `change` stands between info and warn: "what did it change?" is one look-up. */
const changeLevel = { change: 35 } as const

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'change' | 'warn' | 'error' | 'silent'
  /** Readable lines instead of JSON. */
  readonly pretty: boolean
  readonly destination?: DestinationStream
}

/** JSON lines on standard error (standard output belongs to the command's answer), or readable ones on a terminal. */
export function openLog(options: LogOptions): Logger {
  const settings = {
    level: options.level,
    customLevels: changeLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[secret]' },
    ...(options.pretty && options.destination === undefined
      ? {
          transport: {
            target: 'pino-pretty',
            options: {
              destination: 2,
              ignore: 'pid,hostname',
              customLevels: 'change:35',
              customColors: 'change:green',
              useOnlyCustomProps: false,
            },
          },
        }
      : {}),
  }
  const log: PinoLogger<'change'> =
    options.destination === undefined && options.pretty
      ? pino<'change'>(settings)
      : pino<'change'>(settings, options.destination ?? pino.destination(2))
  return {
    debug: (message, fields = {}) => log.debug(fields, message),
    info: (message, fields = {}) => log.info(fields, message),
    change: (message, fields = {}) => log.change(fields, message),
    warn: (message, fields = {}) => log.warn(fields, message),
    error: (message, fields = {}) => log.error(fields, message),
  }
}
