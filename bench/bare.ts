// The least that a plan with nothing to do can cost: one process that parses the feed and reads the same attributes of the
// same accounts and groups, page by page, and does nothing with either.
// Arguments: feed, url, base, bind dn. The password is in DIRECTORY_PASSWORD.
import { createReadStream } from 'node:fs'
import { parse } from 'csv-parse'
import { Client } from 'ldapts'

const [feed = '', url = '', base = '', dn = ''] = process.argv.slice(2)

let rows = 0
for await (const row of createReadStream(feed).pipe(parse({ columns: true, bom: true }))) {
  if (row !== undefined) rows += 1
}

const client = new Client({ url })
await client.bind(dn, process.env['DIRECTORY_PASSWORD'] ?? '')
const people = ['uid', 'employeeNumber', 'displayName', 'cn', 'sn', 'givenName', 'title', 'l', 'entryUUID']
const entries =
  (await count('(objectClass=inetOrgPerson)', people)) + (await count('(objectClass=groupOfNames)', ['cn', 'member']))
await client.unbind()
process.stdout.write(`${JSON.stringify({ rows, entries })}\n`)

async function count(filter: string, attributes: string[]): Promise<number> {
  let found = 0
  const pages = client.searchPaginated(base, { filter, attributes, paged: { pageSize: 1_000 } })
  for await (const page of pages) found += page.searchEntries.length
  return found
}
