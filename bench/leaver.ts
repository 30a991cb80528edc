// From the feed's rename to the platform's refusal of the old password: the whole way of a leaver, and where its time goes.
import { readFile, rename, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Attribute, Change, Client } from 'ldapts'
import { percentile, startDaemon } from './daemon.ts'
import type { LogLine } from './daemon.ts'
import { ldapWorld, manager } from './ldap.ts'
import { say } from './report.ts'
import type { Measurement } from './report.ts'

const oldPassword = 'The-old-password-1'

export interface Leaver {
  readonly key: string
  readonly dn: string
}

/** A feed in memory, rewritten as a whole and renamed into place, as exports do. */
export class Feed {
  readonly #path: string
  #lines: string[]
  readonly #index = new Map<string, number>()

  private constructor(path: string, text: string) {
    this.#path = path
    this.#lines = text.split('\n')
    this.#lines.forEach((line, index) => this.#index.set(line.slice(0, line.indexOf(',')), index))
  }

  static async open(path: string): Promise<Feed> {
    return new Feed(path, await readFile(path, 'utf8'))
  }

  leave(key: string): void {
    const index = this.#index.get(key) ?? -1
    this.#lines[index] = (this.#lines[index] ?? '').replace(/,Active$/, ',Left')
  }

  add(lines: readonly string[]): void {
    this.#lines = [...this.#lines.slice(0, -1), ...lines, '']
  }

  async write(): Promise<number> {
    await writeFile(`${this.#path}.new`, this.#lines.join('\n'))
    const at = performance.now()
    await rename(`${this.#path}.new`, this.#path)
    return at
  }
}

/** Gives some people a password that is known. */
export async function chooseLeavers(url: string, base: string, count: number): Promise<readonly Leaver[]> {
  const client = new Client({ url })
  await client.bind(manager.dn, manager.password)
  const { searchEntries } = await client.search(base, {
    filter: '(objectClass=inetOrgPerson)',
    attributes: ['employeeNumber'],
    sizeLimit: 0,
    paged: true,
  })
  const step = Math.floor(searchEntries.length / count)
  const leavers = searchEntries.filter((_, index) => index % step === 0).slice(0, count)
  for (const { dn } of leavers) {
    const modification = new Attribute({ type: 'userPassword', values: [oldPassword] })
    await client.modify(dn, new Change({ operation: 'replace', modification }))
  }
  await client.unbind()
  return leavers.map(({ dn, employeeNumber }) => ({ dn, key: String(employeeNumber) }))
}

/** Tries the old password again and again, as fast as the server answers; resolves when it is refused. */
export async function refused(url: string, { dn }: Leaver, signal?: AbortSignal): Promise<number> {
  const client = new Client({ url, timeout: 20_000 })
  try {
    while (signal?.aborted !== true) {
      try {
        await client.bind(dn, oldPassword)
      } catch {
        return performance.now()
      }
      await sleep(1)
    }
    throw new Error(`${dn} could still sign in`)
  } finally {
    await client.unbind().catch(() => undefined)
  }
}

export async function benchLeaver(): Promise<readonly Measurement[]> {
  return [await idle(10_000, 200)]
}

async function idle(people: number, count: number): Promise<Measurement> {
  await using world = await ldapWorld(people, { nosync: true })
  await world.keyturn(['apply'], 0)
  const { url } = world.server
  const leavers = await chooseLeavers(url, 'ou=people,dc=bench,dc=example', count)
  const feed = await Feed.open(world.feed)
  await using daemon = await startDaemon(world.folder, { DIRECTORY_PASSWORD: manager.password })
  await daemon.says('feed remembered')
  await sleep(2_000)
  const times: number[] = []
  const steps: Steps[] = []
  for (const leaver of leavers) {
    feed.leave(leaver.key)
    const shut = refused(url, leaver)
    const from = daemon.log.length
    const began = Date.now()
    const at = await feed.write()
    const took = (await shut) - at
    times.push(took)
    await daemon.says('proof', from)
    steps.push(stepsOf(daemon.log.slice(from), began, took))
    await sleep(20)
  }
  const p50 = percentile(times, 0.5)
  const p99 = percentile(times, 0.99)
  say(explain(steps))
  return {
    what: `leaver in a feed of ${people.toLocaleString('en-US')} rows, idle: rename to refusal`,
    figure: `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`,
    limit: '',
    ratio: '',
    target: 'p50 below 100 ms, p99 below 300 ms',
    met: p50 < 100 && p99 < 300,
    note: `${count} leavers, one by one`,
  }
}

type Steps = Readonly<Record<string, number>>

const marks = ['feed read', 'feed saved', 'planned at once', 'job begun'] as const

function stepsOf(log: readonly LogLine[], began: number, took: number): Steps {
  const at = (message: string) => (log.find(({ msg }) => msg === message)?.at ?? Number.NaN) - began
  return { ...Object.fromEntries(marks.map((mark) => [mark, at(mark)])), refused: took, proof: at('proof') }
}

function explain(steps: readonly Steps[]): string {
  const names = [...marks, 'refused', 'proof']
  const lines = names.map((name) => {
    const values = steps.map((one) => one[name] ?? Number.NaN).filter((value) => !Number.isNaN(value))
    return `  ${name}: p50 ${percentile(values, 0.5).toFixed(0)} ms, p99 ${percentile(values, 0.99).toFixed(0)} ms after the rename`
  })
  return lines.join('\n')
}
