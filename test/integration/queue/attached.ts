// A process of its own that uses the embedded Redis of a state folder, for redis.test.ts: prints `ready`, then waits.
import { openRedis } from '../../../src/queue/redis.ts'
import { notes } from './support.ts'

const folder = process.argv[2] ?? ''
await using redis = await openRedis({ redis: 'embedded', folder }, notes())
const connection = redis.connect()
await connection.set('made by', String(process.pid))
process.stdout.write('ready\n')
await new Promise((resolve) => {
  process.stdin.once('end', resolve)
  process.stdin.resume()
})
