import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const program = fileURLToPath(new URL('../../bin/keyturn', import.meta.url))
const run = promisify(execFile)

interface Story {
  readonly good: boolean
  readonly chapters: readonly {
    readonly chapter: string
    readonly good: boolean
    readonly leavers?: readonly { readonly refusedAfter: number; readonly answer: { readonly code: number } }[]
  }[]
  readonly folder?: string
  readonly url?: string
  readonly pid?: number
}

test('the demo tells its story to the end: three leavers refused, nothing revoked by half a feed', async () => {
  const { stdout } = await run(program, ['demo', '--json'])
  const story: Story = JSON.parse(stdout)
  expect(story.chapters.map((one) => [one.chapter, one.good])).toEqual([
    ['everybody is hired', true],
    ['a department moves', true],
    ['three people leave', true],
    ['the feed is cut in half', true],
    ['the whole feed is back', true],
  ])
  const leavers = story.chapters[2]?.leavers ?? []
  expect(leavers.map((one) => one.answer.code)).toEqual([49, 49, 49])
})

test('--keep leaves the directory running, and every line it prints to look around works', async () => {
  const { stdout } = await run(program, ['demo', '--keep'])
  const commands = stdout.split('\n').filter((line) => /^(ldapsearch|head|\/|sed) /.test(line) || line.startsWith('/'))
  const end = /^kill (\d+); rm -rf (\S+)$/m.exec(stdout)
  expect(end).not.toBeNull()
  try {
    expect(commands.length).toBeGreaterThan(5)
    for (const command of commands) {
      // `plan` says with 2 that there is something to do.
      const { stdout } = await run('sh', ['-c', `${command} || [ $? = 2 ]`])
      expect(stdout).not.toBe('')
    }
  } finally {
    if (end?.[1] !== undefined) process.kill(Number(end[1]))
    if (end?.[2] !== undefined) await rm(end[2], { recursive: true, force: true })
  }
})

test('Ctrl-C takes the servers and the folder away', async () => {
  const child = spawn(program, ['demo'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  while (!said.includes('feed  ')) await once(child.stdout, 'data')
  const folder = /all in (\S+)/.exec(said)?.[1] ?? ''
  expect(existsSync(folder)).toBe(true)
  child.kill('SIGINT')
  await once(child, 'close')
  expect(existsSync(folder)).toBe(false)
})
