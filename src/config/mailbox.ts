const address = /^[^\s@<>()[\]",;:\\]+@[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i
/** RFC 5322, section 3.4, without comments, groups and quotes: a name may not hold what would begin another address. */
const named = /^[^<>@",;:\r\n\\]+<([^<>]+)>$/

/** Is this plausibly one mail address, `user@host` or `Name <user@host>`? Only a server knows whether it exists. */
export function isMailbox(text: string): boolean {
  const [, inside = text] = named.exec(text) ?? []
  return address.test(inside) && !inside.includes('..')
}
