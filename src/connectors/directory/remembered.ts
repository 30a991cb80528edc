/** Something that is found out once, when it is first asked for. What failed is tried again by the next who asks. */
export class Remembered<T> {
  #value: Promise<T> | null = null

  get(find: () => Promise<T>): Promise<T> {
    if (this.#value !== null) return this.#value
    const value = find()
    this.#value = value
    value.catch(() => {
      if (this.#value === value) this.#value = null
    })
    return value
  }

  /** The next who asks finds it out anew. */
  forget(): void {
    this.#value = null
  }
}
