import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { openLedger } from '../../../src/ledger/index.ts'
import { isOnServer, rowsOf } from './raw.ts'
import * as s from './samples.ts'

const script = fileURLToPath(new URL('hammer.ts', import.meta.url))

interface Hammer {
  readonly lines: string[]
  readonly pid: number
  /** Resolves at the first line that begins so. */
  says(word: string): Promise<void>
  /** Exit code, or the signal that ended it, and what it said on standard error. */
  readonly ended: Promise<{ readonly how: number | string | null; readonly error: string }>
}

function hammer(url: string, name: string): Hammer {
  const child = spawn(process.execPath, [script, url, name], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  const listeners: (() => void)[] = []
  let error = ''
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    for (const listener of listeners) listener()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (error += text))
  return {
    lines,
    pid: child.pid ?? 0,
    says: (word) =>
      new Promise((resolve) => {
        const look = () => {
          if (lines.some((line) => line.startsWith(word))) resolve()
        }
        listeners.push(look)
        look()
      }),
    ended: new Promise((resolve) => child.on('close', (code, signal) => resolve({ how: signal ?? code, error }))),
  }
}

test('several processes at once, one of them killed in the middle: everything is settled once, nothing is given twice', async () => {
  const { url } = await s.temporaryLedger()
  const count = 600
  const names = ['stuck', 'b', 'c', 'd']
  {
    await using ledger = await openLedger(url)
    const contenders = names.flatMap((name) => Array.from({ length: 10 }, (_, n) => s.person(`${name}-${n}`)))
    await ledger.saveIntake(s.intake([...s.people(count), ...contenders]), 'c')
    await ledger.admit(s.admission(s.people(count).map(({ key }) => s.create(key))))
  }
  const hammers = names.map((name) => hammer(url, name))
  const [victim, ...others] = hammers
  await victim?.says('holding')
  process.kill(victim?.pid ?? 0, 'SIGKILL')
  expect(await victim?.ended).toMatchObject({ how: 'SIGKILL' })
  // Nobody met 'ledger-busy', or anything else.
  for (const other of others) expect(await other.ended).toEqual({ how: 0, error: '' })

  await using ledger = await openLedger(url)
  const obligations = await ledger.obligations({})
  expect(obligations.filter(({ state }) => state !== 'settled')).toEqual([])
  expect(obligations.length).toBe(count + 10)
  // Its claims ran out, and the others found what it had begun.
  expect(await rowsOf(url, 'select id from intent')).toEqual([])
  const claims = (await ledger.names(s.platform)).filter(({ name }) => name.startsWith('contested'))
  expect(claims).toHaveLength(10)
  const won = hammers.flatMap(({ lines }) => lines.filter((line) => line.startsWith('won ')))
  expect(won.toSorted()).toEqual(claims.map(({ name }) => `won ${name}`).toSorted())
  const audit = await rowsOf(url, `select identity, after from audit where action = 'settled'`)
  expect(audit).toHaveLength(count + 10)
  expect(new Set(audit.map(({ identity }) => identity)).size).toBe(count + 10)
  expect(new Set(audit.map(({ after }) => after)).size).toBe(count + 10)
  if (!isOnServer()) expect(await rowsOf(url, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }])
})
