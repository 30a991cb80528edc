import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { openRedis } from '../../../src/queue/redis.ts'
import { startRedis } from '../../servers/redis.ts'
import { notes, temporaryFolder, until } from './support.ts'

async function serverPid(folder: string): Promise<number> {
  await using redis = await openRedis({ redis: 'embedded', folder }, notes())
  const connection = redis.connect()
  return Number(/process_id:(\d+)/.exec(await connection.info('server'))?.[1])
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function startOwner(folder: string): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('./attached.ts', import.meta.url))
  const child = spawn(process.execPath, [script, folder], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  if (child.stdout === null) throw new Error('no output')
  await once(child.stdout, 'data')
  return child
}

test('an embedded Redis is private, keeps nothing on disk and ends with who started it', async () => {
  await using folder = await temporaryFolder()
  const redis = await openRedis({ redis: 'embedded', folder: folder.path }, notes())
  const connection = redis.connect()
  expect(await connection.config('GET', 'save')).toEqual(['save', ''])
  expect(await connection.config('GET', 'appendonly')).toEqual(['appendonly', 'no'])
  expect(await connection.config('GET', 'port')).toEqual(['port', '0'])
  expect((await stat(join(folder.path, 'redis.sock'))).mode & 0o777).toBe(0o700)
  for (const name of ['redis.lock', 'redis.lock-journal'])
    expect((await stat(join(folder.path, name))).mode & 0o777).toBe(0o600)
  const pid = Number(/process_id:(\d+)/.exec(await connection.info('server'))?.[1])
  expect(isAlive(pid)).toBe(true)
  await redis[Symbol.asyncDispose]()
  await until('the server is gone', () => !isAlive(pid))
})

test('a second process attaches to the server of the first', async () => {
  await using folder = await temporaryFolder()
  const owner = await startOwner(folder.path)
  await using redis = await openRedis({ redis: 'embedded', folder: folder.path }, notes())
  expect(await redis.connect().get('made by')).toBe(String(owner.pid))
})

test('when the owner is killed with -9 its server ends too, and who is attached takes over', async () => {
  await using folder = await temporaryFolder()
  const owner = await startOwner(folder.path)
  const before = await serverPid(folder.path)
  await using redis = await openRedis({ redis: 'embedded', folder: folder.path }, notes())
  const connection = redis.connect()
  expect(await connection.ping()).toBe('PONG')
  owner.kill('SIGKILL')
  await until('the old server is gone', () => !isAlive(before), 5_000)
  await until('there is a new one', async () => (await serverPid(folder.path)) !== before, 5_000)
  expect(await connection.get('made by')).toBeNull()
})

test('a server that is killed with -9 is started again, and connections come back', async () => {
  await using folder = await temporaryFolder()
  const log = notes()
  await using redis = await openRedis({ redis: 'embedded', folder: folder.path }, log)
  const connection = redis.connect()
  const before = await serverPid(folder.path)
  process.kill(before, 'SIGKILL')
  await until('the old server is gone', () => !isAlive(before))
  expect(await connection.ping()).toBe('PONG')
  expect(await serverPid(folder.path)).not.toBe(before)
  expect(log.lines).toContainEqual(expect.stringContaining('the embedded Redis was started again'))
})

test('Ctrl-C in the terminal does not end the server before the work is closed', async () => {
  await using folder = await temporaryFolder()
  await using redis = await openRedis({ redis: 'embedded', folder: folder.path }, notes())
  expect(await redis.connect().ping()).toBe('PONG')
  const { stdout } = await promisify(execFile)('ps', ['-o', 'pgid=', '-p', String(await serverPid(folder.path))])
  const { stdout: own } = await promisify(execFile)('ps', ['-o', 'pgid=', '-p', String(process.pid)])
  expect(stdout.trim()).not.toBe(own.trim())
})

test('a state folder whose path is too long for a socket gets one elsewhere, which others find', async () => {
  await using folder = await temporaryFolder()
  const long = join(folder.path, 'x'.repeat(60), 'y'.repeat(60))
  await mkdir(long, { recursive: true })
  await using first = await openRedis({ redis: 'embedded', folder: long }, notes())
  await first.connect().set('who', 'first')
  await using second = await openRedis({ redis: 'embedded', folder: long }, notes())
  expect(await second.connect().get('who')).toBe('first')
  const path = await readFile(join(long, 'redis.socket'), 'utf8')
  expect(path.length).toBeLessThan(100)
  expect((await stat(dirname(path))).mode & 0o777).toBe(0o700)
  onTestFinished(() => rm(dirname(path), { recursive: true, force: true }))
})

test('a Redis that is given is used with its password, and stays when we go', async () => {
  await using server = await startRedis()
  const redis = await openRedis({ redis: server.url, folder: server.folder }, notes())
  await redis.connect().set('who', 'we')
  await redis[Symbol.asyncDispose]()
  await using again = await openRedis({ redis: server.url, folder: server.folder }, notes())
  expect(await again.connect().get('who')).toBe('we')
})

test('a Redis that cannot be reached or refuses the password is an error that does not tell the password', async () => {
  await using server = await startRedis()
  const wrong = server.url.replace(server.password, 'wrong-password')
  const refused = openRedis({ redis: wrong, folder: server.folder }, notes())
  await expect(refused).rejects.toMatchObject({ code: 'redis-unavailable' })
  await expect(refused).rejects.not.toThrow('wrong-password')
  await server.kill()
  const gone = openRedis({ redis: server.url, folder: server.folder }, notes())
  await expect(gone).rejects.toThrow(`redis://127.0.0.1:${server.port}`)
  await expect(gone).rejects.not.toThrow(server.password)
})

test('a text that is no Redis URL is refused', async () => {
  await expect(openRedis({ redis: 'http://localhost', folder: '.' }, notes())).rejects.toMatchObject({
    code: 'config-invalid',
  })
})

test('a daemon begins before its Redis answers, and uses it as soon as it does', async () => {
  await using server = await startRedis()
  await using folder = await temporaryFolder()
  await server.kill()
  await using given = await openRedis({ redis: server.url, folder: folder.path, patient: true }, notes())
  const connection = given.connect()
  await server.start()
  await until('it answers', async () => (await connection.ping()) === 'PONG')
  await using own = await openRedis({ redis: 'embedded', folder: folder.path, patient: true }, notes())
  expect(await own.connect().ping()).toBe('PONG')
})
