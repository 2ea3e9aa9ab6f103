import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** `host.json`, as far as it is used here. Times are TimeSpans. */
export interface HostSettings {
  readonly functionTimeout?: string
  readonly extensions?: {
    readonly http?: { readonly routePrefix?: string }
    readonly queues?: {
      readonly batchSize?: number
      readonly newBatchSize?: number
      readonly maxDequeueCount?: number
      readonly maxPollingInterval?: string
      readonly visibilityTimeout?: string
      readonly messageEncoding?: 'base64' | 'none'
    }
  }
}

export const readHostSettings = (folder: string): HostSettings =>
  JSON.parse(readFileSync(join(folder, 'host.json'), 'utf8')) as HostSettings

/** `[d.]hh:mm:ss[.fff]` in milliseconds; undefined when it is not a TimeSpan. */
export function timeSpanMs(text: string | undefined): number | undefined {
  const match = /^(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?$/u.exec(text ?? '')
  if (match === null) return undefined
  const [, days = '0', hours, minutes, seconds, fraction = '0'] = match
  const whole = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)
  return whole * 1000 + Math.round(Number(`0.${fraction}`) * 1000)
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Replaces `%NAME%` by the setting of that name. Throws when there is none. */
export const resolveExpression = (text: string, environment: Environment): string =>
  text.replace(/%([^%]+)%/gu, (_, name: string) => {
    const value = environment[name]
    if (value === undefined) throw new Error(`The setting ${name}, named by %${name}%, is not there.`)
    return value
  })

/** The connection string that a binding's `connection` names: `AzureWebJobs<name>` goes before `<name>`. */
export function connectionOf(name: unknown, fallback: string, environment: Environment): string {
  const setting = typeof name === 'string' && name !== '' ? resolveExpression(name, environment) : fallback
  const value = environment[`AzureWebJobs${setting}`] ?? environment[setting]
  if (value === undefined) throw new Error(`The connection setting ${setting} is not there.`)
  return value
}
