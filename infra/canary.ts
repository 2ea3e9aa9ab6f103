import type { Sources } from './sources.ts'

/** What brings a new version back at either cloud, in `infra/canary.json`. */
export interface Canary {
  readonly periodSeconds: number
  /** The new version's first periods: those that are judged. */
  readonly evaluationPeriods: number
  /** So many of them over a threshold bring it back. */
  readonly datapointsToAlarm: number
  readonly figures: Readonly<Record<FigureName, { readonly threshold: number; readonly callsMin: number }>>
}

type FigureName = 'canary-errors' | 'canary-latency' | 'canary-functions'

/** How Azure is asked for a new version's own requests, in `azure/infra/canary-query.json`. */
export interface CanaryQuery {
  /** How long a line may take to arrive. */
  readonly latenessSeconds: number
  readonly query: string
}

/** What one period of the API, or of the other functions, was like. */
export interface CanaryPeriod {
  readonly of: 'api' | 'functions'
  readonly calls: number
  readonly failed: number
  readonly p99Ms: number
}

export const readCanary = async (sources: Sources): Promise<Canary> =>
  JSON.parse(await sources.text('infra/canary.json')) as Canary

/** The figures that are over their thresholds in as many periods as bring a version back. */
export function ringing(canary: Canary, periods: readonly CanaryPeriod[]): FigureName[] {
  const { figures, datapointsToAlarm } = canary
  const share = ({ failed, calls }: CanaryPeriod): number => (100 * failed) / calls
  const judged: Readonly<
    Record<FigureName, { readonly of: CanaryPeriod['of']; readonly value: (period: CanaryPeriod) => number }>
  > = {
    'canary-errors': { of: 'api', value: share },
    'canary-latency': { of: 'api', value: ({ p99Ms }) => p99Ms },
    'canary-functions': { of: 'functions', value: share },
  }
  return (Object.keys(judged) as FigureName[]).filter((name) => {
    const { of, value } = judged[name]
    const { threshold, callsMin } = figures[name]
    const breaching = periods.filter(
      (period) => period.of === of && period.calls >= callsMin && value(period) > threshold,
    )
    return breaching.length >= datapointsToAlarm
  })
}
