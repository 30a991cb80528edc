/**
 * An entry as the server sent it. How an attribute is read, as text or as bytes, is said by whoever asks: a library that
 * guesses returns a GUID of ASCII bytes as text. Names are found without regard to case; what is absent is an empty list.
 */
export class Entry {
  readonly dn: string
  readonly #values: ReadonlyMap<string, readonly Buffer[]>

  /** `values` has lower-case names. */
  constructor(dn: string, values: ReadonlyMap<string, readonly Buffer[]>) {
    this.dn = dn
    this.#values = values
  }

  /** Attribute names as they came (lower-case, with options such as `;range=0-1499`). */
  names(): string[] {
    return [...this.#values.keys()]
  }

  texts(attribute: string): string[] {
    return (this.#values.get(attribute.toLowerCase()) ?? []).map((value) => value.toString('utf8'))
  }

  /** The first value, or undefined. */
  text(attribute: string): string | undefined {
    return this.#values.get(attribute.toLowerCase())?.[0]?.toString('utf8')
  }

  /** Copies: they outlive the network buffer that the entry stands in. */
  buffers(attribute: string): Buffer[] {
    return (this.#values.get(attribute.toLowerCase()) ?? []).map((value) => Buffer.from(value))
  }

  has(attribute: string): boolean {
    return (this.#values.get(attribute.toLowerCase())?.length ?? 0) > 0
  }
}
