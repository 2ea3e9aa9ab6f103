import type { RecordState } from '../domain/record.ts'
import type { Random } from '../ports/clock.ts'
import type { Services } from './services.ts'

/** Where a piece of work stands in a trace (W3C Trace Context, version 00). Ids in lower-case hex. */
export interface Span {
  /** 32 characters: the same for all that one request set off, at both sites. */
  readonly trace: string
  /** 16 characters. */
  readonly span: string
  /** The span that set this one off; absent at the trace's beginning. */
  readonly parent?: string
}

const traceparentPattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/
const tracePattern = /^[0-9a-f]{32}$/
const noTrace = '0'.repeat(32)
const noSpan = '0'.repeat(16)

export const isTraceparent = (text: unknown): text is string => partsOf(text) !== undefined

function partsOf(text: unknown): { readonly trace: string; readonly span: string } | undefined {
  const [, trace, span] = (typeof text === 'string' && traceparentPattern.exec(text)) || []
  return trace === undefined || span === undefined || trace === noTrace || span === noSpan ? undefined : { trace, span }
}

const idOf = (random: Random, bytes: number): string => Buffer.from(random.bytes(bytes)).toString('hex')

export const traceparentOf = ({ trace, span }: Span): string => `00-${trace}-${span}-01`

/** The ids under the names of the Elastic Common Schema. */
export const spanFields = ({ trace, span, parent }: Span) => ({
  'trace.id': trace,
  'span.id': span,
  ...(parent === undefined ? {} : { 'parent.id': parent }),
})

/** A span of its own in the trace that `traceparent` names; it begins a trace when that names none. */
export function spanIn(random: Random, traceparent: unknown): Span {
  const from = partsOf(traceparent)
  const span = idOf(random, 8)
  return from ? { trace: from.trace, span, parent: from.span } : { trace: idOf(random, 16), span }
}

/** The same site, whose logs, jobs and media records carry the span that they belong to. */
export function within(services: Services, span: Span): Services {
  const { jobs, telemetry } = services
  const traceparent = traceparentOf(span)
  const fields = spanFields(span)
  return {
    ...services,
    span,
    jobs: {
      send: (message, options) => jobs.send({ traceparent, ...message }, options),
      depth: () => jobs.depth(),
    },
    telemetry: {
      log: (level, message, more, error) => telemetry.log(level, message, { ...more, ...fields }, error),
      metric: (name, value, dimensions) => telemetry.metric(name, value, dimensions),
    },
  }
}

/** The same in a span of its own. Without a valid `traceparent`, the site itself. */
export const traced = (services: Services, traceparent: unknown): Services =>
  isTraceparent(traceparent) ? within(services, spanIn(services.random, traceparent)) : services

/** The same for what a record tells of itself, which knows its trace and not the span before. */
export function tracedBy(services: Services, trace: unknown): Services {
  if (typeof trace !== 'string' || !tracePattern.test(trace) || trace === noTrace) return services
  return within(services, { trace, span: idOf(services.random, 8) })
}

/** The traces that states tell of, each once. */
export const tracesIn = (states: readonly RecordState[]): string[] => [
  ...new Set(
    // Of an older or a broken version anything may come.
    states.flatMap((state: RecordState | null) => {
      const trace = state?.body?.['trace']
      return typeof trace === 'string' && tracePattern.test(trace) ? [trace] : []
    }),
  ),
]
