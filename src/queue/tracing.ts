import type { QueueOptions } from 'bullmq'

export type Tracing = NonNullable<QueueOptions['telemetry']>

/**
 * Spans of jobs through OpenTelemetry's API: they go wherever the SDK sends them that the operator loads
 * (NODE_OPTIONS=--import …, https://opentelemetry.io/docs/languages/js/); without one they go nowhere.
 */
export async function openTracing(): Promise<Tracing> {
  const { BullMQOtel } = await import('bullmq-otel')
  return new BullMQOtel({ tracerName: 'keyturn' })
}
