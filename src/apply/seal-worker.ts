import { buffer } from 'node:stream/consumers'
import { parentPort } from 'node:worker_threads'
import { Encrypter } from 'age-encryption'

/** What the pool in seal.ts sends: one text to encrypt. */
export interface SealRequest {
  readonly id: number
  readonly recipients: readonly string[]
  readonly text: string
}

export type SealAnswer =
  | { readonly id: number; readonly sealed: Uint8Array }
  | { readonly id: number; readonly failed: string }

parentPort?.on('message', (request: SealRequest) => {
  void answer(request).then((message) => parentPort?.postMessage(message, []))
})

async function answer(request: SealRequest): Promise<SealAnswer> {
  try {
    const encrypter = new Encrypter()
    for (const recipient of request.recipients) encrypter.addRecipient(recipient)
    // As streams: of a text the library makes a fetch Response, for which a thread loads an HTTP client, three times as long.
    const sealed = await encrypter.encrypt(new Blob([request.text]).stream())
    return { id: request.id, sealed: new Uint8Array(await buffer(sealed)) }
  } catch (error) {
    return { id: request.id, failed: error instanceof Error ? error.message : String(error) }
  }
}
