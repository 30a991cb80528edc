import { describe, expect, test } from 'vitest'
import { originInBlob, originInXml } from '../../../../src/connectors/active-directory/metadata.ts'
import { guidBytes, toFiletime } from '../../../../src/connectors/active-directory/values.ts'

const at = Date.UTC(2026, 8, 30, 12, 0, 5)
const invocationId = 'a5f293ab-afc4-4e38-9e1e-ef3dc6408189'
const dsa = 'CN=NTDS Settings,CN=DC1,CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,DC=corp,DC=example'

/** As Windows writes it, with the NUL at the end that comes over LDAP. */
const fragment = (attribute: string, when: string, where = dsa) => `<DS_REPL_ATTR_META_DATA>
\t<pszAttributeName>${attribute}</pszAttributeName>
\t<dwVersion>3</dwVersion>
\t<ftimeLastOriginatingChange>${when}</ftimeLastOriginatingChange>
\t<uuidLastOriginatingDsaInvocationID>${invocationId}</uuidLastOriginatingDsaInvocationID>
\t<usnOriginatingChange>41025</usnOriginatingChange>
\t<usnLocalChange>41025</usnLocalChange>
\t<pszLastOriginatingDsaDN>${where}</pszLastOriginatingDsaDN>
</DS_REPL_ATTR_META_DATA>
\0`

describe('replication metadata as Windows shows it', () => {
  test('tells when the flags were changed and where, among many attributes', () => {
    const fragments = [
      fragment('title', '2027-01-01T00:00:00Z'),
      fragment('userAccountControl', '2026-09-30T12:00:05Z'),
      fragment('pwdLastSet', '2027-01-01T00:00:00Z'),
    ]
    expect(originInXml(fragments)).toEqual({ at, dsa, invocationId })
  })

  test('may not know the domain controller, which is gone', () => {
    expect(originInXml([fragment('userAccountControl', '2026-09-30T12:00:05Z', '')])).toMatchObject({ at, dsa: null })
  })

  test.each<[string, string[]]>([
    ['nothing', []],
    ['other attributes only', [fragment('title', '2026-09-30T12:00:05Z')]],
    ['a time that is none', [fragment('userAccountControl', 'never')]],
    ['no XML', ['userAccountControl']],
  ])('%s tells nothing', (_, fragments) => {
    expect(originInXml(fragments)).toBeNull()
  })
})

describe('replication metadata as it is stored', () => {
  function blob(records: readonly { readonly attribute: number; readonly at: number }[]): Buffer {
    const header = Buffer.alloc(16)
    header.writeUInt32LE(1, 0)
    header.writeUInt32LE(records.length, 8)
    const written = records.map(({ attribute, at }) => {
      const one = Buffer.alloc(48)
      one.writeUInt32LE(attribute, 0)
      one.writeUInt32LE(1, 4)
      one.writeBigUInt64LE(BigInt(toFiletime(at)) / 10_000_000n, 8)
      guidBytes(invocationId)?.copy(one, 16)
      return one
    })
    return Buffer.concat([header, ...written])
  }
  const others = [
    { attribute: 0, at: 0 },
    { attribute: 0x9005a, at: 1_000 },
  ]

  test('tells when the flags were changed and in which database', () => {
    expect(originInBlob(blob([...others, { attribute: 0x90008, at }]))).toEqual({ at, dsa: null, invocationId })
  })

  test('without the flags, cut off, of another version or empty tells nothing', () => {
    const whole = blob([...others, { attribute: 0x90008, at }])
    const version2 = Buffer.from(whole)
    version2.writeUInt32LE(2, 0)
    for (const bytes of [blob(others), whole.subarray(0, whole.length - 1), version2, Buffer.alloc(0)]) {
      expect(originInBlob(bytes)).toBeNull()
    }
  })
})
