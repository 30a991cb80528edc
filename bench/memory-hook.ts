// Loaded into a measured process: tells the peak of its resident memory (what the kernel calls VmHWM), in KB, on file
// descriptor 3 when it ends.
import { writeSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  process.once('exit', () => {
    try {
      writeSync(3, `${process.resourceUsage().maxRSS}\n`)
    } catch {
      // A process of a process: it has no such descriptor, and is not the measured one.
    }
  })
}
