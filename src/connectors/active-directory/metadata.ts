import { SECOND } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import { fromFiletime, guidText } from './values.ts'

/** When an attribute was changed last, and on which domain controller; who did it, replication does not carry. */
export interface Origin {
  readonly at: Instant
  /** DN of the domain controller's settings; null where only the id of its database is known. */
  readonly dsa: string | null
  readonly invocationId: string
}

/** The number of userAccountControl in replication metadata: the prefix of 1.2.840.113556.1.4 with 8 (MS-ADTS, 3.1.1.2.4). */
const userAccountControl = 0x0009_0008

/** As Windows shows it: msDS-ReplAttributeMetaData, one fragment of XML for each attribute (MS-ADTS, section 3.1.1.4.5.4). */
export function originInXml(fragments: readonly string[]): Origin | null {
  const fragment = fragments.find((text) => field(text, 'pszAttributeName')?.toLowerCase() === 'useraccountcontrol')
  if (fragment === undefined) return null
  const at = Date.parse(field(fragment, 'ftimeLastOriginatingChange') ?? '')
  if (Number.isNaN(at)) return null
  const dsa = field(fragment, 'pszLastOriginatingDsaDN') ?? ''
  const invocationId = field(fragment, 'uuidLastOriginatingDsaInvocationID') ?? ''
  return { at, dsa: dsa === '' ? null : dsa, invocationId: invocationId.toLowerCase() }
}

function field(fragment: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(fragment)?.[1]?.trim()
}

const header = 16
const record = 48

/**
 * As it is stored: replPropertyMetaData. After a header (version 1, and how many) come records of 48 bytes: attribute, version,
 * seconds since 1601, the database where it was changed, and two sequence numbers (MS-DRSR, section 5.162; Samba, drsblobs.idl).
 */
export function originInBlob(blob: Buffer): Origin | null {
  if (blob.length < header || blob.readUInt32LE(0) !== 1) return null
  const count = blob.readUInt32LE(8)
  for (let at = header, index = 0; index < count && at + record <= blob.length; at += record, index++) {
    if (blob.readUInt32LE(at) !== userAccountControl) continue
    const seconds = blob.readBigUInt64LE(at + 8)
    const instant = fromFiletime(String(seconds * BigInt(SECOND) * 10_000n))
    const invocationId = guidText(blob.subarray(at + 16, at + 32))
    return instant === null ? null : { at: instant, dsa: null, invocationId }
  }
  return null
}
