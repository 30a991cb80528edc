// The forms in which Active Directory keeps dates, identifiers, flags and passwords.
import type { Instant } from '../../model/instant.ts'

/** Milliseconds from 1601-01-01, where FILETIME begins, to 1970-01-01. */
const epochDifference = 11_644_473_600_000
const never = '9223372036854775807'
/** The largest instant that a Date can hold: what lies beyond means never. */
const lastInstant = 8_640_000_000_000_000

/** An instant as FILETIME: units of 100 ns since 1601, as decimal digits. Null means never. */
export function toFiletime(at: Instant | null): string {
  return at === null ? never : String((BigInt(Math.trunc(at)) + BigInt(epochDifference)) * 10_000n)
}

/** Reads FILETIME, to the millisecond. Null for never, which is 0, the largest number, or nothing at all. */
export function fromFiletime(text: string | undefined): Instant | null {
  if (text === undefined || !/^\d+$/.test(text) || /^0+$/.test(text) || text === never) return null
  const at = Number(BigInt(text) / 10_000n) - epochDifference
  return at > lastInstant ? null : at
}

/** A duration such as `-36288000000000` (maxPwdAge, in units of 100 ns) in milliseconds; null where there is none. */
export function fromInterval(text: string | undefined): number | null {
  if (text === undefined || !/^-?\d+$/.test(text)) return null
  const units = BigInt(text)
  // The smallest number means "for ever".
  if (units === 0n || units === -9_223_372_036_854_775_808n) return null
  return Number((units < 0n ? -units : units) / 10_000n)
}

/** The bits of userAccountControl that matter here (learn.microsoft.com, "UserAccountControl property flags"). */
export const accountControl = {
  disabled: 0x2,
  passwordNotRequired: 0x20,
  normalAccount: 0x200,
  trustedForDelegation: 0x80000,
  trustedToAuthenticateForDelegation: 0x1000000,
} as const

/** Bit of msDS-User-Account-Control-Computed: locked for too many wrong passwords. */
export const computedLockout = 0x10

/** sAMAccountType of ordinary users: no computers, no trusts, no managed service accounts. */
export const normalUserAccount = '805306368'

/** `8c00f1c6-5582-4d0c-ac32-86f6c772d533` of the 16 bytes of objectGUID, whose first three groups are little-endian. */
export function guidText(bytes: Buffer): string {
  if (bytes.length !== 16) throw new RangeError(`a GUID has 16 bytes, not ${bytes.length}`)
  const swapped = Buffer.from(bytes)
  swapped.subarray(0, 4).reverse()
  swapped.subarray(4, 6).reverse()
  swapped.subarray(6, 8).reverse()
  const hex = swapped.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** The bytes of a GUID as `guidText` writes it; undefined where the text is none. */
export function guidBytes(text: string): Buffer | undefined {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return undefined
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex')
  bytes.subarray(0, 4).reverse()
  bytes.subarray(4, 6).reverse()
  bytes.subarray(6, 8).reverse()
  return bytes
}

/** The form of a DN that finds an object wherever it was moved to (MS-ADTS, section 3.1.1.3.1.2.4). */
export function guidDn(guid: string): string {
  return `<GUID=${guid}>`
}

/** The last number of a SID, which primaryGroupID refers to. */
export function relativeId(sid: Buffer): number {
  if (sid.length < 12) throw new RangeError('a SID in a domain has at least 12 bytes')
  return sid.readUInt32LE(sid.length - 4)
}

/** What unicodePwd takes: the password in quotation marks, UTF-16 (MS-ADTS, section 3.1.1.3.1.5.1). */
export function passwordBytes(password: string): Buffer {
  return Buffer.from(`"${password}"`, 'utf16le')
}

/** The SID of a member of a domain: the domain's, with one more number (MS-DTYP, section 2.4.2.2). */
export function memberSid(domain: Buffer, relativeId: number): Buffer {
  const sid = Buffer.alloc(domain.length + 4)
  domain.copy(sid)
  sid.writeUInt8(domain.readUInt8(1) + 1, 1)
  sid.writeUInt32LE(relativeId, domain.length)
  return sid
}
