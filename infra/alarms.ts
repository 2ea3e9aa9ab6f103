import type { Sources } from './sources.ts'

/** An alarm as both clouds have it, in `infra/alarms.json` by name. */
export interface Alarm {
  readonly metric: string
  /** Sent by our own telemetry under that name, or measured by the platform under a name of its own. */
  readonly source: 'catamaran' | 'platform'
  readonly statistic: string
  readonly comparison: string
  readonly threshold: number
  readonly periodSeconds: number
  readonly evaluationPeriods: number
  readonly datapointsToAlarm: number
  readonly missing: 'breaching' | 'notBreaching'
  /** `page` wakes somebody, `ticket` waits for working hours. */
  readonly severity: 'page' | 'ticket'
  readonly why: string
  /** A file of `docs/` and a heading in it. */
  readonly runbook: string
}

export const readAlarms = async (sources: Sources): Promise<Readonly<Record<string, Alarm>>> =>
  JSON.parse(await sources.text('infra/alarms.json')) as Record<string, Alarm>
