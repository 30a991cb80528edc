import { connect as connectTcp } from 'node:net'
import type { Socket } from 'node:net'
import { TLSSocket, connect as connectTls } from 'node:tls'
import {
  AddRequest,
  BerReader,
  BindRequest,
  DeleteRequest,
  ExtendedRequest,
  ModifyDNRequest,
  ModifyRequest,
  PasswordPolicyControl,
  PasswordPolicyError,
  SearchRequest,
  UnbindRequest,
} from 'ldapts'
import type { Attribute, Change, Control, Filter } from 'ldapts'
import { KeyturnError } from '../../model/errors.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import { endpointOf, tlsOptions } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import type { Entry } from './entry.ts'
import { LdapResultError, networkError } from './errors.ts'
import { FrameReader } from './wire.ts'
import type { Incoming, LdapResponse } from './wire.ts'

export interface SearchSpec {
  readonly base: string
  readonly scope: 'base' | 'one' | 'sub'
  readonly filter: Filter
  /** `['1.1']`: none. */
  readonly attributes: readonly string[]
  readonly controls?: readonly Control[]
  /** The server stops after so many entries, with result code 4. */
  readonly sizeLimit?: number
}

interface Pending {
  readonly onEntry: ((entry: Entry) => void) | undefined
  readonly onReference: ((urls: readonly string[]) => void) | undefined
  readonly resolve: (response: LdapResponse) => void
  readonly reject: (error: Error) => void
  /** When something of it was heard last, or it was sent; of `performance.now()`. */
  heardAt: number
}

/** After so long without a byte while it owes answers, a connection is in doubt, ms. */
const patience = 1_000

/** Keep-alive probes of the system: firewalls forget what is silent, and a peer that is gone is noticed 10 s after the first. */
const keepAliveAfter = 30_000

/** How long a goodbye may take to be sent, ms. */
const goodbye = 1_000

/** What the request classes of ldapts have in common. */
interface Request {
  readonly messageId: number
  write(): Buffer
}

/**
 * One connection, opened once and signed in once. It cannot reconnect: a connection that came back by itself would be
 * unauthenticated, and its next password might travel in the clear (both seen with the Client of ldapts, whose message and
 * filter classes this uses). After anything but a result of the server it is dead, and so are the requests in flight on it.
 * Any number of requests may be in flight at once.
 */
export class Connection implements AsyncDisposable {
  readonly endpoint: Endpoint
  readonly #socket: Socket
  readonly #timeout: number
  readonly #frames = new FrameReader()
  readonly #pending = new Map<number, Pending>()
  /** One for all requests: one each would cost more than waiting does. */
  #watch: NodeJS.Timeout | null = null
  /** Who wants to know when it is in doubt. */
  readonly #doubters = new Set<() => void>()
  #heardAt = performance.now()
  #silent = false
  #lastId = 0
  #lost: KeyturnError | null = null

  private constructor(socket: Socket, endpoint: Endpoint, timeout: number, signal?: AbortSignal) {
    this.#socket = socket
    this.endpoint = endpoint
    this.#timeout = timeout
    if (signal !== undefined) {
      const stop = (): void => this.#fail(networkError(signal.reason, endpoint.where))
      signal.addEventListener('abort', stop)
      socket.once('close', () => signal.removeEventListener('abort', stop))
    }
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', (error) => this.#fail(networkError(error, endpoint.where)))
    socket.on('close', () => this.#fail(this.#closed()))
  }

  /**
   * Connects, with TLS for ldaps://, without signing in. When the signal aborts, the connection ends, now or later.
   * @throws KeyturnError `platform-unreachable`, `platform-untrusted`, `insecure`, `config-invalid`
   */
  static async open(settings: DirectorySettings, signal?: AbortSignal): Promise<Connection> {
    const endpoint = endpointOf(settings)
    const { host, port } = endpoint
    const socket = endpoint.secure ? connectTls(await tlsOptions(endpoint, settings)) : connectTcp({ host, port })
    try {
      await ready(socket, settings.timeouts.connect, signal)
    } catch (error) {
      socket.destroy()
      throw networkError(error, endpoint.where)
    }
    socket.setNoDelay(true).setKeepAlive(true, keepAliveAfter)
    return new Connection(socket, endpoint, settings.timeouts.request, signal)
  }

  get alive(): boolean {
    return this.#lost === null
  }

  get inFlight(): number {
    return this.#pending.size
  }

  /** How long nothing was heard of the server, ms. */
  get quietFor(): number {
    return performance.now() - this.#heardAt
  }

  /** It owes answers, and has not sent a byte for a second: the server is slow, or nobody is there any more. */
  get silent(): boolean {
    return this.#silent
  }

  /** Calls back when it falls silent. Returns what takes the wish back. */
  onSilence(doubt: () => void): () => void {
    this.#doubters.add(doubt)
    return () => this.#doubters.delete(doubt)
  }

  /** Ends it at once; what is in flight fails with this error. */
  abandon(error: KeyturnError): void {
    this.#fail(error)
  }

  /** Is the connection encrypted? */
  get secure(): boolean {
    return this.#socket instanceof TLSSocket
  }

  /** When the certificate of the server ends; null without TLS. */
  get certificateEnds(): number | null {
    return this.#socket instanceof TLSSocket ? Date.parse(this.#socket.getPeerCertificate().valid_to) : null
  }

  /**
   * Signs in by simple bind. An empty password is refused here: servers take it for an anonymous sign-in and say yes.
   * @throws LdapResultError when the server refuses
   */
  async bind(dn: string, password: string, controls: readonly Control[] = []): Promise<LdapResponse> {
    if (password === '') throw new KeyturnError('platform-sign-in-refused', 'The password to sign in with is empty.')
    return this.#expect(new BindRequest({ ...this.#options(controls), dn, password }))
  }

  /** @throws LdapResultError when the server refuses, KeyturnError when the connection fails; as all that follow */
  async add(dn: string, attributes: readonly Attribute[], controls: readonly Control[] = []): Promise<LdapResponse> {
    return this.#expect(new AddRequest({ ...this.#options(controls), dn, attributes: [...attributes] }))
  }

  async modify(dn: string, changes: readonly Change[], controls: readonly Control[] = []): Promise<LdapResponse> {
    return this.#expect(new ModifyRequest({ ...this.#options(controls), dn, changes: [...changes] }))
  }

  /** Gives an entry another RDN, and another parent where `newParent` is given; the old RDN's value is removed. */
  async rename(dn: string, newRdn: string, newParent?: string): Promise<LdapResponse> {
    const parent = newParent === undefined ? {} : { newSuperior: newParent }
    return this.#expect(new ModifyDNRequest({ ...this.#options([]), dn, newRdn, deleteOldRdn: true, ...parent }))
  }

  async delete(dn: string, controls: readonly Control[] = []): Promise<LdapResponse> {
    return this.#expect(new DeleteRequest({ ...this.#options(controls), dn }))
  }

  /** An extended operation; `value` of the response is what it returned. */
  async extended(oid: string, value?: Buffer): Promise<LdapResponse> {
    return this.#expect(new ExtendedRequest({ ...this.#options([]), oid, ...(value === undefined ? {} : { value }) }))
  }

  /** One search, not paged; entries are given away as they arrive and are not kept. */
  async search(
    spec: SearchSpec,
    onEntry: (entry: Entry) => void,
    onReference?: (urls: readonly string[]) => void,
  ): Promise<LdapResponse> {
    const request = new SearchRequest({
      ...this.#options(spec.controls ?? []),
      baseDN: spec.base,
      scope: spec.scope,
      filter: spec.filter,
      attributes: [...spec.attributes],
      timeLimit: 0,
      sizeLimit: spec.sizeLimit ?? 0,
    })
    return this.#expect(request, onEntry, onReference)
  }

  /** Says goodbye and closes; requests still in flight fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#lost !== null) return
    this.#socket.end(new UnbindRequest({ messageId: this.#nextId() }).write())
    const why = `The connection to ${this.endpoint.where} was closed by Keyturn.`
    this.#lose(new KeyturnError('platform-unreachable', why))
    // A server that hangs takes no goodbye, and would keep the process alive.
    setTimeout(() => this.#socket.destroy(), goodbye).unref()
  }

  #options(controls: readonly Control[]): { messageId: number; controls?: Control[] } {
    const messageId = this.#nextId()
    return controls.length > 0 ? { messageId, controls: [...controls] } : { messageId }
  }

  #nextId(): number {
    this.#lastId = (this.#lastId % 0x7ffffffe) + 1
    return this.#lastId
  }

  async #expect(
    request: Request,
    onEntry?: (entry: Entry) => void,
    onReference?: (urls: readonly string[]) => void,
  ): Promise<LdapResponse> {
    if (this.#lost !== null) throw this.#lost
    const response = await new Promise<LdapResponse>((resolve, reject) => {
      this.#pending.set(request.messageId, { onEntry, onReference, resolve, reject, heardAt: performance.now() })
      this.#watch ??= this.#lookIn(Math.min(patience, this.#timeout / 2))
      this.#send(request.write())
    })
    if (response.code === 0) return response
    const { code, diagnostic, matchedDn } = response
    throw new LdapResultError(code, diagnostic, { matchedDn, saysLocked: saysLocked(response) })
  }

  /** Requests that are made in one turn leave in one write: a system call for each costs more than the request itself. */
  #send(bytes: Buffer): void {
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork()
      process.nextTick(() => this.#socket.uncork())
    }
    this.#socket.write(bytes)
  }

  #receive(chunk: Buffer): void {
    this.#heardAt = performance.now()
    this.#silent = false
    try {
      for (const message of this.#frames.push(chunk)) this.#deliver(message)
    } catch (error) {
      this.#fail(networkError(error, this.endpoint.where))
    }
  }

  #deliver(message: Incoming): void {
    if (message.id === 0 && message.kind === 'result') {
      // Notice of disconnection (RFC 4511, section 4.4.1) and its like: the server says why it is about to close.
      this.#fail(this.#closed(message.response.diagnostic))
      return
    }
    const pending = this.#pending.get(message.id)
    if (pending === undefined) return
    if (message.kind === 'result') {
      this.#pending.delete(message.id)
      if (this.#pending.size === 0) this.#stopWatching()
      pending.resolve(message.response)
      return
    }
    pending.heardAt = performance.now()
    if (message.kind === 'entry') pending.onEntry?.(message.entry)
    if (message.kind === 'reference') pending.onReference?.(message.urls)
  }

  #fail(error: KeyturnError): void {
    this.#lose(error)
    this.#socket.destroy()
  }

  #lose(error: KeyturnError): void {
    if (this.#lost !== null) return
    this.#lost = error
    this.#stopWatching()
    for (const pending of this.#pending.values()) pending.reject(error)
    this.#pending.clear()
  }

  /** Bytes that have come while this process was busy with something else are heard before the look. */
  #lookIn(ms: number): NodeJS.Timeout {
    const timer = setTimeout(() => setImmediate(() => this.#watch === timer && this.#lookForSilence()), ms)
    return timer
  }

  #stopWatching(): void {
    if (this.#watch !== null) clearTimeout(this.#watch)
    this.#watch = null
  }

  /** Fails when the server has been silent on any request for as long as the timeout; tells those who doubt before that. */
  #lookForSilence(): void {
    const now = performance.now()
    const oldest = this.#pending.values().reduce((least, { heardAt }) => Math.min(least, heardAt), Infinity)
    const left = oldest + this.#timeout - now
    if (left < 1) {
      this.#fail(this.#timedOut())
      return
    }
    const soon = Math.min(patience, this.#timeout / 2)
    const patient = Math.max(this.#heardAt, oldest) + soon - now
    if (patient < 1 && !this.#silent) {
      this.#silent = true
      for (const doubt of this.#doubters) doubt()
    }
    this.#watch = this.#lookIn(Math.min(left, patient < 1 ? soon : patient))
  }

  #closed(why = ''): KeyturnError {
    const said = why === '' ? '' : ` and said "${why}"`
    return new KeyturnError('platform-unreachable', `${this.endpoint.where} closed the connection${said}.`)
  }

  #timedOut(): KeyturnError {
    return new KeyturnError(
      'platform-unreachable',
      `${this.endpoint.where} did not answer within ${this.#timeout} ms.`,
      {
        hint: 'The server may be overloaded; `timeouts.request` of the platform sets how long to wait.',
      },
    )
  }
}

function saysLocked({ controls }: LdapResponse): boolean {
  const answer = controls.find(({ oid }) => oid === PasswordPolicyControl.type)
  if (answer === undefined) return false
  const policy = new PasswordPolicyControl()
  policy.parse(new BerReader(answer.value))
  return policy.value?.error === PasswordPolicyError.AccountLocked
}

/** Waits until the socket is connected, with the TLS handshake where there is one. */
function ready(socket: Socket, timeout: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(Object.assign(new Error(`no answer within ${timeout} ms`), { code: 'ETIMEDOUT' })),
      timeout,
    )
    const connected = socket instanceof TLSSocket ? 'secureConnect' : 'connect'
    const settle = (done: () => void): void => {
      clearTimeout(timer)
      socket.off(connected, onConnect).off('error', onError).off('close', onClose)
      signal?.removeEventListener('abort', onAbort)
      done()
    }
    const onAbort = (): void => settle(() => reject(networkError(signal?.reason, 'the server')))
    const onConnect = (): void => settle(resolve)
    const onError = (error: Error): void => settle(() => reject(error))
    const onClose = (): void => settle(() => reject(new Error('the server closed the connection at once')))
    socket.once(connected, onConnect).once('error', onError).once('close', onClose)
    if (signal?.aborted === true) onAbort()
    signal?.addEventListener('abort', onAbort)
  })
}
