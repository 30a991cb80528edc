// The smallest pieces of the configuration. The `error` of each says what is allowed; the given value is put before it.
import { z } from 'zod'
import { dateFormatMistake } from '../dates.ts'
import { durationPattern, growthPattern, milliseconds, percentagePattern, ratePattern } from '../units.ts'
import { isZone } from '../zones.ts'

export const text = (allowed: string) => z.string({ error: allowed }).min(1, { error: allowed })

export const expression = (allowed = 'text with a CEL expression') => text(allowed)

export const flag = () => z.boolean({ error: 'true or false' })

export const whole = (least: number, most: number) => {
  const error = `a whole number from ${least} to ${most}`
  return z.int({ error }).min(least, { error }).max(most, { error })
}

export const duration = () => z.string({ error: durationWords }).regex(durationPattern, { error: durationWords })
const durationWords = 'a duration such as 500ms, 30s, 15m, 26h, 3d or 2w'

/** Timers of Node wait at most 24 days, and one of nothing never rests: what drives one has both ends stated. */
export const durationFrom = (least: string, most: string, orElse = '') => {
  const error = `a duration from ${least} to ${most} such as ${['30s', '10m', '12h'].find((one) => fits(one)) ?? most}${orElse}`
  return z.string({ error }).regex(durationPattern, { error, abort: true }).refine(fits, { error })

  function fits(text: string): boolean {
    const length = milliseconds(text)
    return milliseconds(least) <= length && length <= milliseconds(most)
  }
}

export const percentage = () =>
  z.string({ error: percentageWords }).regex(percentagePattern, { error: percentageWords })
/** As `percentage`, and more than the whole: people may become several times as many. */
export const growth = () => z.string({ error: growthWords }).regex(growthPattern, { error: growthWords })
const growthWords = 'a share such as 10%, 2.5% or 400%'
const percentageWords = 'a share such as 10% or 2.5%'

export const rate = () => z.string({ error: rateWords }).regex(ratePattern, { error: rateWords })
const rateWords = 'a rate such as 50/s, 600/m or 5000/h'

export const zone = () => z.string({ error: zoneWords }).refine(isZone, { error: zoneWords })
const zoneWords = 'the IANA name of a time zone such as Europe/Berlin or America/New_York'

export const dateFormat = () =>
  z.string({ error: dateWords }).check((context) => {
    const mistake = dateFormatMistake(context.value)
    if (mistake !== null) {
      context.issues.push({
        code: 'custom',
        input: context.value,
        message: mistake.message,
        params: { hint: mistake.hint },
      })
    }
  })
const dateWords = 'a date format such as yyyy-MM-dd or M-d-yyyy'

/** Ids of sources, platforms and roles: they stand in ledger keys, metrics and file names. */
export const id = () => z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, { error: idWords })
const idWords = 'a name of up to 64 letters, digits, - and _ that begins with a letter'

/** Names of entitlements are what a directory may call a group. */
export const entitlementName = () => text('the name of an entitlement')

/** Attribute descriptions of LDAP (RFC 4512, section 2.5), without options. */
export const ldapName = () => text(ldapWords).regex(/^[A-Za-z][A-Za-z0-9-]*$/, { error: ldapWords })
const ldapWords = 'the name of a directory attribute such as employeeNumber'

export const secretReference = () =>
  z.string({ error: secretWords }).regex(/^(?:env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/, { error: secretWords })
/** Marks the issue: its value is never repeated. */
export const secretWords = 'a reference to a secret: env:NAME or file:PATH, never the secret itself'

export const list = <T extends z.ZodType>(item: T) => z.array(item, { error: 'a list' })

export const choice = <const T extends readonly [string, ...string[]]>(...values: T) => z.enum(values)

/** A mapping whose keys are names given by the admin. */
export const named = <K extends z.ZodString, V extends z.ZodType>(key: K, value: V) => z.record(key, value)
