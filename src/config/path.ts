/** Steps from the top of a file to a value in it: keys of mappings and positions in lists. */
export type Path = readonly (string | number)[]

/** `platforms.corp-ad.accounts.match[0].then`; words that are no plain name are quoted: `values["Leave of Absence"]`. */
export function showPath(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`
      if (!/^[\w-]+$/.test(step)) return `[${JSON.stringify(step)}]`
      return index === 0 ? step : `.${step}`
    })
    .join('')
}
