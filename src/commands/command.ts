import type { Command } from 'commander'
import colours from 'picocolors'
import { KeyturnError } from '../model/errors.ts'

/** 0 done or nothing to do, 1 error, 2 changes pending, findings, or something withheld, 64 wrong usage. */
export type ExitCode = 0 | 1 | 2 | 64

/** What every command gets, whatever its own arguments are. */
export interface Invocation {
  readonly config: string
  readonly json: boolean
  /** Aborted by the first Ctrl-C: finish what is being written, hand back the rest. */
  readonly signal: AbortSignal
  /** The answer for people, on standard output; silent with --json. */
  say(text: string): void
  /** The one JSON document, on standard output; silent without --json. */
  answer(document: object): void
}

export interface Runner {
  readonly signal: AbortSignal
  finish(code: ExitCode): void
}

type Action<Options> = (invocation: Invocation, options: Options, args: readonly string[]) => Promise<ExitCode>

/** Wraps an action: global options, the exit code, and errors as sentences, never as a stack. */
export function act<Options extends object>(
  runner: Runner,
  action: Action<Options>,
): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    const command = given.at(-1) as Command
    const { config, json, ...options } = command.optsWithGlobals<{ config: string; json?: boolean } & Options>()
    const invocation: Invocation = {
      config,
      json: json === true,
      signal: runner.signal,
      say: (text) => {
        if (json !== true) process.stdout.write(`${text}\n`)
      },
      answer: (document) => {
        if (json === true) process.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
      },
    }
    try {
      runner.finish(await action(invocation, options as unknown as Options, command.args))
    } catch (error) {
      report(invocation, error)
      runner.finish(error instanceof KeyturnError && error.code === 'usage' ? 64 : 1)
    }
  }
}

/** Prints an error: a sentence and what to do next. With --json also as the document. */
function report(invocation: Invocation, error: unknown): void {
  const known = error instanceof KeyturnError
  const message = known ? error.message : sayUnexpected(error)
  const hint = known ? error.hint : undefined
  invocation.answer({
    error: { code: known ? error.code : 'unexpected', message, ...(hint === undefined ? {} : { hint }) },
  })
  if (invocation.json) return
  process.stderr.write(`${colours.red('keyturn:')} ${message}\n`)
  if (hint !== undefined) process.stderr.write(`${hint}\n`)
}

/** A defect of ours: said as one, with what a report about it needs, but no stack unless it is asked for. */
export function sayUnexpected(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  if (process.env['KEYTURN_DEBUG'] !== undefined && error instanceof Error) return error.stack ?? text
  return `this should not happen: ${text}\nPlease report it. KEYTURN_DEBUG=1 shows where it came from.`
}
