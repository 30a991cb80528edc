// The least that shutting a leaver can cost: watches a file with one line in it, and modifies the account that it names.
// With a Redis, the line goes through a BullMQ queue and its worker first.
// Arguments: file, url, bind dn, and the port of a Redis or nothing. The password is in DIRECTORY_PASSWORD, the one of Redis in
// REDIS_PASSWORD. Says "ready", and ends with its standard input.
import { existsSync, readFileSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import { Queue, Worker } from 'bullmq'
import { Attribute, Change, Client } from 'ldapts'

const [file = '', url = '', dn = '', port = ''] = process.argv.slice(2)

const client = new Client({ url })
await client.bind(dn, process.env['DIRECTORY_PASSWORD'] ?? '')

async function shut(account: string): Promise<void> {
  const replace = (type: string, value: string) =>
    new Change({ operation: 'replace', modification: new Attribute({ type, values: [value] }) })
  await client.modify(account, [
    replace('userPassword', `{SSHA}${Buffer.alloc(28, account).toString('base64')}`),
    replace('pwdAccountLockedTime', '000001010000Z'),
  ])
}

const act = port === '' ? shut : await throughQueue(Number(port))

async function throughQueue(redis: number): Promise<(account: string) => Promise<void>> {
  const connection = { host: '127.0.0.1', port: redis, password: process.env['REDIS_PASSWORD'] ?? '' }
  const queue = new Queue<{ account: string }>('bare', { connection })
  const worker = new Worker<{ account: string }>('bare', (job) => shut(job.data.account), {
    connection: { ...connection, maxRetriesPerRequest: null },
  })
  await worker.waitUntilReady()
  return async (account) => {
    await queue.add('shut', { account })
  }
}

let last = ''
// The folder: a file that is renamed into place is another file.
watch(dirname(file), () => {
  if (!existsSync(file)) return
  const line = readFileSync(file, 'utf8').trim()
  if (line === last || line === '') return
  last = line
  void act(line)
})
process.stdin.on('end', () => process.exit(0)).resume()
process.stdout.write('ready\n')
