// Certificates for tests, made with the openssl command: an authority, and a server certificate that it has signed.
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Certificates {
  /** PEM files. */
  readonly ca: string
  readonly certificate: string
  readonly key: string
}

/** Makes them in `folder`; the server's is for `localhost` and 127.0.0.1. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const file = (name: string): string => join(folder, name)
  const openssl = (...args: string[]): Promise<unknown> => run('openssl', args)
  const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'.split(' ')
  const [ca, caKey, key, request] = ['ca.pem', 'ca.key', 'server.key', 'server.csr'].map(file) as [
    string,
    string,
    string,
    string,
  ]
  const [extensions, certificate] = [file('server.ext'), file('server.pem')]
  const subject = ['-subj', '/CN=Authority of the tests', '-days', '2']
  await openssl('req', '-x509', ...newKey, ...subject, '-keyout', caKey, '-out', ca)
  await openssl('req', ...newKey, '-subj', '/CN=localhost', '-keyout', key, '-out', request)
  await writeFile(extensions, 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
  const signer = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-days', '2', '-extfile', extensions]
  await openssl('x509', '-req', '-in', request, ...signer, '-out', certificate)
  return { ca, certificate, key }
}
