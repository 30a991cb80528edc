import colours from 'picocolors'
import type { Progress } from '../server/board.ts'
import type { Stage } from '../server/planning.ts'
import type { Invocation } from './command.ts'

export interface Steps {
  readonly stage: (stage: Stage | 'admit' | 'work') => void
  readonly progress: (progress: Progress) => void
}

const titles: Readonly<Record<Stage | 'admit' | 'work', string>> = {
  sources: 'Reading the feeds',
  platforms: 'Reading the platforms',
  plan: 'Making the plan',
  admit: 'Admitting the plan',
  work: 'Applying',
}

/** One line that follows the work on a terminal; plain lines, each written once, when piped. On standard error. */
export async function withSteps<T>(invocation: Invocation, work: (steps: Steps) => Promise<T>): Promise<T> {
  const board = process.stderr.isTTY ? livingLine() : plainLines()
  const silent = invocation.json && !process.stderr.isTTY
  try {
    return await work(silent ? { stage: () => {}, progress: () => {} } : board)
  } finally {
    if (!silent) board.end()
  }
}

interface Board extends Steps {
  readonly end: () => void
}

function livingLine(): Board {
  const show = (text: string) => process.stderr.write(`\r\u001B[K${colours.dim(text)}`)
  return {
    stage: (stage) => show(`${titles[stage]} …`),
    progress: ({ total, settled, failed }) => {
      const filled = total === 0 ? 24 : Math.floor((24 * (settled + failed)) / total)
      show(`${titles.work} ${'█'.repeat(filled)}${'░'.repeat(24 - filled)} ${tally(settled, total, failed)}`)
    },
    end: () => process.stderr.write('\r\u001B[K'),
  }
}

/** A line a stage, and then one for every tenth of the work. */
function plainLines(): Board {
  let tenth = 0
  return {
    stage: (stage) => process.stderr.write(`${titles[stage]}\n`),
    progress: ({ total, settled, failed }) => {
      const reached = total === 0 ? 10 : Math.floor((10 * (settled + failed)) / total)
      if (reached <= tenth) return
      tenth = reached
      process.stderr.write(`${titles.work}: ${tally(settled, total, failed)}\n`)
    },
    end: () => {},
  }
}

function tally(settled: number, total: number, failed: number): string {
  const failures = failed === 0 ? '' : `, ${failed} failed`
  return `${settled.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} accounts${failures}`
}
