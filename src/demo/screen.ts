import colours from 'picocolors'

type Paint = ReturnType<typeof colours.createColors>

/** Where the demo tells its story: chapters, facts below them, and one line that moves while something works. */
export interface Screen {
  readonly paint: Paint
  chapter(title: string): void
  /** A short label and what is to be said about it. */
  fact(label: string, text: string): void
  text(text: string): void
  /** What is being done just now; the next line of any kind takes its place. */
  working(text: string): void
}

/** On a terminal with colours and a moving line; piped as plain lines, without what is only a moment's news. */
export function openScreen(out: NodeJS.WriteStream): Screen {
  const living = out.isTTY
  const paint = colours.createColors(living && colours.isColorSupported)
  const erase = living ? '\r\u001B[K' : ''
  let chapters = 0
  const line = (text: string) => {
    out.write(`${erase}${text}\n`)
  }
  return {
    paint,
    chapter(title) {
      chapters += 1
      line(`\n${paint.bold(`${chapters}  ${title}`)}`)
    },
    fact: (label, text) => line(`   ${paint.dim(label.padEnd(9))} ${text}`),
    text: line,
    working(text) {
      if (living) out.write(`${erase}   ${paint.dim(text)}`)
    },
  }
}

/** For --json: says nothing. */
export function silentScreen(): Screen {
  const nothing = () => {}
  return { paint: colours.createColors(false), chapter: nothing, fact: nothing, text: nothing, working: nothing }
}

export function bar(share: number, width = 24): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width)
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}
