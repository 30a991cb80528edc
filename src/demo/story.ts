import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KeyturnError } from '../model/errors.ts'
import { showDuration, table } from '../report/text.ts'
import { cutFeed, hire, moveDepartment, restoreFeed } from './chapters.ts'
import type { Outcome, Stage } from './chapters.ts'
import { foundCompany } from './company.ts'
import type { Company } from './company.ts'
import { endThree } from './leavers.ts'
import { lookAround } from './look-around.ts'
import { openScreen, silentScreen } from './screen.ts'
import type { Screen } from './screen.ts'
import { findProgram } from './slapd.ts'

export interface DemoOptions {
  /** Leave the directory and the folder, and say how to look around. */
  readonly keep: boolean
  /** One JSON document instead of the story. */
  readonly json: boolean
  /** Ends the story and takes everything away. */
  readonly signal: AbortSignal
}

const people = 200

/** Tells the story with real servers in a temporary folder. Returns 0 when everything went as it should, else 1. */
export async function runDemo(options: DemoOptions): Promise<0 | 1> {
  const screen = options.json ? silentScreen() : openScreen(process.stdout)
  refuseWithoutPrograms()
  const begun = Date.now()
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-demo-'))
  let company: Company | undefined
  let kept = false
  try {
    screen.text(`${screen.paint.bold('Keyturn')}: accounts follow what HR says. A demonstration with real servers.`)
    company = await foundCompany(folder, { people, keep: options.keep })
    screen.text(`OpenLDAP on ${company.server.url}, a private Redis, ${people} invented people, all in ${folder}`)
    const outcomes = await tell({ company, screen, signal: options.signal })
    end(screen, outcomes, Date.now() - begun)
    kept = options.keep
    screen.text(kept ? lookAround(company, screen) : next(screen))
    if (options.json) process.stdout.write(`${JSON.stringify(document(company, outcomes, kept), null, 2)}\n`)
    return outcomes.every((one) => one.good) ? 0 : 1
  } catch (error) {
    if (!options.signal.aborted) throw error
    screen.text('Stopped; everything is taken away.')
    return 1
  } finally {
    if (!kept) {
      await company?.[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    }
  }
}

async function tell(stage: Stage): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (const chapter of [hire, moveDepartment, endThree, cutFeed, restoreFeed]) outcomes.push(await chapter(stage))
  return outcomes
}

function end(screen: Screen, outcomes: readonly Outcome[], took: number): void {
  const { paint } = screen
  const rows = outcomes.map((one, index) => [
    String(index + 1),
    one.chapter,
    one.changes,
    showDuration(one.took),
    one.good ? paint.green(one.result) : paint.red(one.result),
  ])
  screen.text(`\n${table(['', 'what happened', 'changes', 'took', 'result'], rows)}`)
  screen.text(paint.dim(`\nThe whole story took ${showDuration(took)}.`))
}

function next({ paint }: Screen): string {
  return `Try next: ${paint.bold('bin/keyturn demo --keep')} to look around in it, or ${paint.bold('bin/keyturn init')} to begin with your own feed.`
}

function document(company: Company, outcomes: readonly Outcome[], kept: boolean): object {
  const where = kept
    ? { folder: company.folder, config: company.config, url: company.server.url, pid: company.server.pid }
    : {}
  return { good: outcomes.every((one) => one.good), chapters: outcomes, ...where }
}

function refuseWithoutPrograms(): void {
  const missing = ['slapd', 'redis-server'].filter((name) => findProgram(name) === null)
  if (missing.length === 0) return
  throw new KeyturnError('not-found', `the demonstration needs ${missing.join(' and ')}, which cannot be found here`, {
    hint: 'Run scripts/setup --for demo: it installs what is missing, or says what to install. On Debian: apt-get install slapd ldap-utils redis-server',
  })
}
