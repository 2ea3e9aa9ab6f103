import type { Services } from './services.ts'

/** W3C Trace Context, version 00. */
const traceparentPattern = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

export const isTraceparent = (text: unknown): text is string =>
  typeof text === 'string' && traceparentPattern.test(text)

/** The same site, whose jobs and logs carry the trace they belong to. Without a valid `traceparent`, the site itself. */
export function traced(services: Services, traceparent: string | undefined): Services {
  if (!isTraceparent(traceparent)) return services
  const { jobs, telemetry } = services
  return {
    ...services,
    jobs: {
      send: (message, options) => jobs.send({ traceparent, ...message }, options),
      depth: () => jobs.depth(),
    },
    telemetry: {
      log: (level, message, fields, error) => telemetry.log(level, message, { ...fields, traceparent }, error),
      metric: (name, value, dimensions) => telemetry.metric(name, value, dimensions),
    },
  }
}
