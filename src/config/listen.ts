import { isIP } from 'node:net'

const name = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i

/** Host and port of `127.0.0.1:9464`, `[::1]:9464` or `localhost:9464`; null where the text is none of these. */
export function parseListen(text: string): { readonly host: string; readonly port: number } | null {
  const [, six, other = '', digits = ''] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  const host = six ?? other
  const port = Number(digits)
  // Four numbers that are no address would pass as a name.
  const isHost = six === undefined ? isIP(host) === 4 || (name.test(host) && !/^[\d.]+$/.test(host)) : isIP(six) === 6
  return isHost && digits !== '' && port <= 65_535 ? { host, port } : null
}

export function isListen(text: string): boolean {
  return parseListen(text) !== null
}
