// Date formats in the letters of Unicode TR 35 (https://unicode.org/reports/tr35/tr35-dates.html#Date_Field_Symbol_Table).

const tokens = ['yyyy', 'MM', 'M', 'dd', 'd', 'HH', 'mm', 'ss', 'XXX']
/** Parts that always have the same number of digits: they may touch each other. */
const fixed = /yyyy|MM|dd|HH|mm|ss|XXX/g
/** What people write who come from other systems. */
const meant: Readonly<Record<string, string>> = {
  YYYY: 'yyyy',
  DD: 'dd',
  D: 'd',
  hh: 'HH',
  yy: 'yyyy',
  SS: 'ss',
  T: "'T'",
}

/** What is wrong with a date format, with a near miss where one is known; null when it can be used. */
export function dateFormatMistake(format: string): { readonly message: string; readonly hint?: string } | null {
  const unquoted = format.replaceAll(/'[^']*'/g, ' ')
  const runs = Array.from(unquoted.matchAll(/([A-Za-z])\1*/g), ([run]) => run)
  const unknown = runs.find((run) => !tokens.includes(run))
  if (unknown !== undefined) {
    const message = `a date format of ${tokens.join(', ')}, other letters in '…', so without "${unknown}"`
    const right = meant[unknown]
    return { message, ...(right === undefined ? {} : { hint: `Did you mean "${right}"?` }) }
  }
  const day = [['yyyy'], ['MM', 'M'], ['dd', 'd']]
  if (!day.every((choice) => choice.some((token) => runs.includes(token)))) {
    const hint = runs.includes('mm') && !runs.includes('HH') ? { hint: 'Months are "MM"; "mm" are minutes.' } : {}
    return { message: 'a date format with yyyy, MM or M, and dd or d', ...hint }
  }
  if (new Set(runs.map((run) => run[0])).size !== runs.length) {
    return { message: 'a date format that names each part once' }
  }
  if (/[A-Za-z]/.test(unquoted.replaceAll(/(?<![A-Za-z])[Md](?![A-Za-z])/g, '').replaceAll(fixed, ' '))) {
    return { message: 'a date format whose M or d touches no other letter, as in M-d-yyyy' }
  }
  if (runs.includes('XXX') && !runs.includes('HH'))
    return { message: 'a date format with an offset (XXX) only beside a time' }
  return null
}

/** Does the format tell a time of the day? */
export function hasTime(format: string): boolean {
  return format.replaceAll(/'[^']*'/g, '').includes('HH')
}
