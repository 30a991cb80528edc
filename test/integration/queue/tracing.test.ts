import { trace } from '@opentelemetry/api'
import type { Context, Span, SpanOptions, Tracer } from '@opentelemetry/api'
import { Queue } from 'bullmq'
import { afterAll, expect, test } from 'vitest'
import { openTracing } from '../../../src/queue/tracing.ts'
import { startRedis } from '../../servers/redis.ts'

const redis = await startRedis()
afterAll(() => redis[Symbol.asyncDispose]())

test('jobs that are added give spans to whatever OpenTelemetry SDK is loaded', async () => {
  const names: string[] = []
  const nothing = trace.wrapSpanContext({ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 })
  const tracer: Pick<Tracer, 'startSpan'> = {
    startSpan(name: string, _options?: SpanOptions, _context?: Context): Span {
      names.push(name)
      return nothing
    },
  }
  trace.setGlobalTracerProvider({ getTracer: () => tracer as Tracer })
  const queue = new Queue('traced', { connection: { url: redis.url }, telemetry: await openTracing() })
  await queue.add('settle', {})
  await queue.close()
  trace.disable()
  expect(names).toContain('add traced.settle')
})
