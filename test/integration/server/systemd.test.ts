import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { openSystemd } from '../../../src/server/systemd.ts'
import { notes, until } from '../queue/support.ts'

interface Manager extends AsyncDisposable {
  readonly socket: string
  /** What was received, one entry for each datagram, its lines as they came. */
  readonly received: readonly (readonly string[])[]
}

/** Receives datagrams as systemd does; each is printed on one line. Perl is part of every Debian, Node has no such socket. */
const receiver = `
  use Socket; $| = 1;
  socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die; bind($s, pack_sockaddr_un($ARGV[0])) or die; print "listening\\n";
  while (defined recv($s, my $said, 65536, 0)) { $said =~ s/\\n/\\t/g; print "$said\\n"; }
`

async function startManager(): Promise<Manager> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-notify-'))
  const socket = join(folder, 'notify')
  const perl = spawn('perl', ['-e', receiver, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  createInterface(perl.stdout).on('line', (line) => lines.push(line))
  await until('the receiver listens', () => lines.includes('listening'))
  return {
    socket,
    get received() {
      // A barrier is systemd-notify's question whether everything was read (sd_notify_barrier(3)), and no news.
      const news = lines.slice(1).filter((line) => !line.startsWith('BARRIER=1'))
      return news.map((line) => line.split('\t').filter((one) => one !== ''))
    },
    [Symbol.asyncDispose]: async () => {
      perl.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const main = `MAINPID=${process.pid}`

test('start, reload and end are told in their order, each with who the main process is', async () => {
  await using manager = await startManager()
  const logger = notes()
  using systemd = openSystemd({ logger, environment: { NOTIFY_SOCKET: manager.socket } })
  // Nobody waits in between: the order is kept all the same.
  await Promise.all([
    systemd.ready('2 platforms'),
    systemd.reloading(),
    systemd.ready('3 platforms'),
    systemd.status('7 owed'),
    systemd.stopping('handing back 7'),
  ])
  await until('all is received', () => manager.received.length === 5)
  expect(manager.received.map((one) => one.toSorted())).toEqual([
    [main, 'READY=1', 'STATUS=2 platforms'],
    [main, expect.stringMatching(/^MONOTONIC_USEC=\d{6,}$/), 'RELOADING=1'],
    [main, 'READY=1', 'STATUS=3 platforms'],
    [main, 'STATUS=7 owed'],
    [main, 'STATUS=handing back 7', 'STOPPING=1'],
  ])
  expect(logger.lines).toEqual([])
})

test('a status of several lines is no other variable', async () => {
  await using manager = await startManager()
  using systemd = openSystemd({ logger: notes(), environment: { NOTIFY_SOCKET: manager.socket } })
  await systemd.status('feeds:\n  hr\nSTOPPING=1')
  await until('it is received', () => manager.received.length === 1)
  expect(manager.received[0]?.toSorted()).toEqual([main, 'STATUS=feeds: hr STOPPING=1'])
})

test('the watchdog is told for as long as the event loop turns, and not after the end', async () => {
  await using manager = await startManager()
  const environment = { NOTIFY_SOCKET: manager.socket, WATCHDOG_USEC: '40000', WATCHDOG_PID: String(process.pid) }
  const systemd = openSystemd({ logger: notes(), environment })
  await until('it is told again and again', () => manager.received.length >= 3)
  systemd[Symbol.dispose]()
  expect(manager.received[0]?.toSorted()).toEqual([main, 'WATCHDOG=1'])
  // What was on its way arrives before this; afterwards nothing comes.
  await systemd.status('the last word')
  await until('the last word is received', () => manager.received.at(-1)?.includes('STATUS=the last word') === true)
})

test('a watchdog that waits for another process is not told by this one', async () => {
  await using manager = await startManager()
  const environment = { NOTIFY_SOCKET: manager.socket, WATCHDOG_USEC: '2000', WATCHDOG_PID: '1' }
  using systemd = openSystemd({ logger: notes(), environment })
  await systemd.status('one')
  await systemd.status('two')
  await until('both are received', () => manager.received.length >= 2)
  expect(manager.received.flat()).not.toContain('WATCHDOG=1')
})

test('children do not inherit what would let them speak for the service', () => {
  const environment = { NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC: '60000000', WATCHDOG_PID: '1', PATH: '/bin' }
  openSystemd({ logger: notes(), environment })[Symbol.dispose]()
  expect(environment).toEqual({ PATH: '/bin' })
})

test('without systemd nothing is run and nothing is said', async () => {
  const logger = notes()
  using systemd = openSystemd({ logger, environment: {} })
  await systemd.ready('ready')
  await systemd.stopping('end')
  expect(logger.lines).toEqual([])
})

test('a manager that is gone is one line in the log, not one for each word, and nothing fails', async () => {
  const logger = notes()
  using systemd = openSystemd({ logger, environment: { NOTIFY_SOCKET: '/nonexistent/notify' } })
  await systemd.ready('ready')
  await systemd.status('still here')
  expect(logger.lines).toHaveLength(1)
  expect(logger.lines[0]).toMatch(/^warn systemd was not told .*nonexistent|No such file/)
})
