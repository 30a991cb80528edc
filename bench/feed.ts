import { readFile, rename, writeFile } from 'node:fs/promises'

/** A feed in memory, rewritten as a whole and renamed into place, as exports do. */
export class Feed {
  readonly #path: string
  readonly #lines: string[]
  readonly #index = new Map<string, number>()

  private constructor(path: string, text: string) {
    this.#path = path
    this.#lines = text.split('\n').slice(0, -1)
    this.#lines.forEach((line, index) => this.#index.set(keyOf(line), index))
  }

  static async open(path: string): Promise<Feed> {
    return new Feed(path, await readFile(path, 'utf8'))
  }

  /** Of everybody, in the order of the feed. */
  keys(): string[] {
    return [...this.#index.keys()].slice(1)
  }

  leave(key: string): void {
    const index = this.#index.get(key) ?? -1
    this.#lines[index] = (this.#lines[index] ?? '').replace(/,Active$/, ',Left')
  }

  add(lines: Iterable<string>): void {
    for (const line of lines) {
      this.#index.set(keyOf(line), this.#lines.length)
      this.#lines.push(line)
    }
  }

  /** Returns when the rename was about to be called, by `performance.now()`. */
  async write(): Promise<number> {
    await writeFile(`${this.#path}.new`, `${this.#lines.join('\n')}\n`)
    const at = performance.now()
    await rename(`${this.#path}.new`, this.#path)
    return at
  }

  /** Does what `write` does, where nobody looks: what the writing itself costs the machine. */
  async pretend(): Promise<number> {
    await writeFile(`${this.#path}.new`, `${this.#lines.join('\n')}\n`)
    const at = performance.now()
    await rename(`${this.#path}.new`, `${this.#path}.elsewhere`)
    return at
  }
}

function keyOf(line: string): string {
  return line.slice(0, line.indexOf(','))
}
