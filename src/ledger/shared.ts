/**
 * Makes equal texts one text, for columns that hold few different ones: each row of a database brings its own copy, and of
 * 100,000 people these are tens of megabytes.
 */
export function sharedTexts(): (text: string) => string {
  const known = new Map<string, string>()
  return (text) => {
    const first = known.get(text)
    if (first !== undefined) return first
    known.set(text, text)
    return text
  }
}
