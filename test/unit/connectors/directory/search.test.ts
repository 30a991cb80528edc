import { BerReader, BerWriter, PagedResultsControl } from 'ldapts'
import { describe, expect, test } from 'vitest'
import type { Connection, SearchSpec } from '../../../../src/connectors/directory/connection.ts'
import { Entry } from '../../../../src/connectors/directory/entry.ts'
import { LdapResultError } from '../../../../src/connectors/directory/errors.ts'
import { anyOf, both, equals, not, present } from '../../../../src/connectors/directory/filters.ts'
import { searchAll } from '../../../../src/connectors/directory/search.ts'
import type { LdapResponse } from '../../../../src/connectors/directory/wire.ts'

interface Page {
  readonly dns: readonly string[]
  readonly cookie: string
  readonly fails?: boolean
}

/** A server that pages as it is told to; it checks that each cookie comes back. */
function server(pages: readonly Page[]): Pick<Connection, 'search'> & { asked: number } {
  return {
    asked: 0,
    async search(spec: SearchSpec, onEntry): Promise<LdapResponse> {
      const page = pages[this.asked++]
      if (page === undefined) throw new Error('asked beyond the end')
      const expected = pages[this.asked - 2]?.cookie ?? ''
      expect(cookieOf(spec)).toBe(expected)
      for (const dn of page.dns) onEntry(new Entry(dn, new Map()))
      if (page.fails === true) throw new LdapResultError(11, 'limit')
      const writer = new BerWriter()
      writer.startSequence()
      writer.writeInt(0)
      writer.writeString(page.cookie)
      writer.endSequence()
      const controls = [{ oid: PagedResultsControl.type, value: writer.buffer }]
      return { code: 0, matchedDn: '', diagnostic: '', value: null, controls }
    },
  }
}

function cookieOf(spec: SearchSpec): string {
  const control = spec.controls?.[0]
  if (!(control instanceof PagedResultsControl)) throw new Error('no control')
  return control.value?.cookie?.toString() ?? ''
}

const spec: SearchSpec = { base: 'dc=x', scope: 'sub', filter: present('uid'), attributes: [] }

describe('a paged search', () => {
  test('goes on after an empty page, as long as there is a cookie', async () => {
    const seen: string[] = []
    const pages = [
      { dns: ['a', 'b'], cookie: 'one' },
      { dns: [], cookie: 'two' },
      { dns: ['c'], cookie: '' },
    ]
    const fake = server(pages)
    await searchAll(fake, spec, (entry) => seen.push(entry.dn))
    expect(seen).toEqual(['a', 'b', 'c'])
    expect(fake.asked).toBe(3)
  })

  test('fails as a whole when any page fails', async () => {
    const pages = [
      { dns: ['a'], cookie: 'one' },
      { dns: ['b'], cookie: 'two', fails: true },
    ]
    await expect(searchAll(server(pages), spec, () => undefined)).rejects.toMatchObject({ code: 11 })
  })
})

describe('a filter', () => {
  test('carries text and bytes as they are', () => {
    const bytes = Buffer.from([0x88, 0x2e, 0xff, 0x00])
    const filter = both(anyOf([equals('cn', '*)(uid=*')]), not(equals('objectGUID', bytes)))
    const writer = new BerWriter()
    filter.write(writer)
    const reader = new BerReader(writer.buffer)
    const values: Buffer[] = []
    reader.readSequence(0xa0)
    reader.readSequence(0xa3)
    reader.readString()
    values.push(reader.readString(4, true) ?? Buffer.alloc(0))
    reader.readSequence(0xa2)
    reader.readSequence(0xa3)
    reader.readString()
    values.push(reader.readString(4, true) ?? Buffer.alloc(0))
    expect(values).toEqual([Buffer.from('*)(uid=*'), bytes])
  })
})
