import type { JsonObject } from '../domain/json.ts'
import type { Clock } from '../ports/clock.ts'
import type { LogLevel, Telemetry } from '../ports/telemetry.ts'

export interface TelemetryOptions {
  readonly service: string
  readonly stage: string
  readonly provider: 'aws' | 'azure'
  readonly level: LogLevel
  readonly clock: Pick<Clock, 'now'>
  /** Takes one line without its end. */
  readonly write?: (line: string) => void
}

export interface Metric {
  readonly name: string
  readonly value: number
  /** As the monitoring services name units. */
  readonly unit: 'Milliseconds' | 'Bytes' | 'Count'
  readonly dimensions: Readonly<Record<string, string>>
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
const causeDepthMax = 5
const ecsVersion = '8.17.0'

/** One JSON line a log entry, named as the Elastic Common Schema does; `metricLine` gives a metric's line in the cloud's own form. */
export function lineTelemetry(options: TelemetryOptions, metricLine: (metric: Metric) => JsonObject): Telemetry {
  const { service, stage, provider, level: levelMin, clock } = options
  const write = options.write ?? ((line: string) => void process.stdout.write(`${line}\n`))
  const base = { 'service.name': service, 'service.environment': stage, 'cloud.provider': provider }
  const emit = (line: () => object): void => {
    try {
      write(JSON.stringify(line()))
    } catch {
      // Telemetry must never be the reason that work fails.
    }
  }
  return {
    log: (level, message, fields, error) => {
      if (levels.indexOf(level) < levels.indexOf(levelMin)) return
      emit(() => ({
        '@timestamp': new Date(clock.now()).toISOString(),
        'ecs.version': ecsVersion,
        'log.level': level,
        message,
        ...base,
        ...fields,
        ...errorFields(error),
      }))
    },
    metric: (name, value, dimensions = {}) => emit(() => metricLine({ name, value, unit: unitOf(name), dimensions })),
  }
}

function unitOf(name: string): Metric['unit'] {
  if (name.endsWith('Ms')) return 'Milliseconds'
  return name.endsWith('Bytes') ? 'Bytes' : 'Count'
}

function errorFields(error: unknown): Record<string, unknown> {
  if (error === undefined) return {}
  if (typeof error !== 'object' || error === null) return { 'error.message': plainText(error) }
  const { name, message, code, stack } = error as { name?: unknown; message?: unknown; code?: unknown; stack?: unknown }
  const causes = causesOf(error)
  return {
    'error.type': text(name),
    'error.code': text(code),
    'error.message': text(message) ?? 'unknown',
    'error.stack_trace': text(stack),
    ...(causes.length > 0 ? { 'error.causes': causes } : {}),
  }
}

function causesOf(error: object): string[] {
  const causes: string[] = []
  let cause = (error as { cause?: unknown }).cause
  while (cause !== undefined && cause !== null && causes.length < causeDepthMax) {
    const { name, message } = cause as { name?: unknown; message?: unknown }
    causes.push(`${text(name) ?? typeof cause}: ${text(message) ?? plainText(cause)}`)
    cause = (cause as { cause?: unknown }).cause
  }
  return causes
}

/** What was thrown when it is no error: its text, unless it is an object, whose members are nobody's to log. */
const plainText = (value: unknown): string =>
  typeof value === 'object' ? 'unknown' : String(value as string | number | bigint | boolean | symbol | undefined)

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
