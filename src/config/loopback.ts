/** RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3; an IPv6 address with or without the brackets of a URL. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|\[::1\]|::1|127(?:\.\d{1,3}){3})$/i.test(host)
}
