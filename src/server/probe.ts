import type { Connector } from '../model/connector.ts'

/** The lightest question that this kind of platform can answer only after Keyturn has signed in. Throws where no answer comes. */
export async function probe(connector: Connector | undefined, signal: AbortSignal): Promise<void> {
  if (connector?.probe === undefined) await connector?.passwordPolicy(signal)
  else await connector.probe(signal)
}
