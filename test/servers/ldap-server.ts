/** What every LDAP server of the tests has. */
export interface LdapServer {
  /** ldaps://, or the plain one without TLS. */
  readonly url: string
  readonly ca: string | undefined
  readonly base: string
  readonly people: string
  readonly groups: string
  readonly leavers: string
  /** The account for Keyturn. */
  readonly service: { readonly dn: string; readonly password: string }
  readonly root: { readonly dn: string; readonly password: string }
}
