/** Is it a name of the IANA time zone database? Offsets such as +01:00 are not: they know no summer time. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  // The first DateTimeFormat of a process takes 30 to 70 ms; the list has one name of each zone, and no UTC.
  if (name === 'UTC' || Intl.supportedValuesOf('timeZone').includes(name)) return true
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
