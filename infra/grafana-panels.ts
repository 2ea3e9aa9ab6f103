/** One picture of the dashboard: figures that belong together, of both sites. */
export interface PanelPlan {
  readonly title: string
  /** As Grafana names units. */
  readonly unit: 'ms' | 'bytes' | 'short' | 'percent' | 'bool'
  /** Our own, by the names of `replicationMetrics`. */
  readonly metrics?: readonly string[]
  /** The platforms' own: how each cloud measures it. */
  readonly platform?: { readonly name: string; readonly aws: PlatformMetric }
}

export interface PlatformMetric {
  readonly namespace: string
  readonly metric: string
  readonly statistic: string
  readonly dimensions: Readonly<Record<string, string>>
  /** A share of one, shown as a percentage. */
  readonly isShare?: boolean
}

const gateway = { ApiName: 'catamaran-$stage', Stage: '$stage' }

/** What an operator looks at, in the order in which it is looked at. */
export const rows: Readonly<Record<string, readonly PanelPlan[]>> = {
  'Is anything behind?': [
    { title: 'Lag to the other site', unit: 'ms', metrics: ['replicationLagP50Ms', 'replicationLagP99Ms'] },
    { title: 'Lag from the other site', unit: 'ms', metrics: ['incomingLagP50Ms', 'incomingLagP99Ms'] },
    { title: 'Age of the feed', unit: 'ms', metrics: ['feedAgeMs'] },
    { title: 'Age of what waits', unit: 'ms', metrics: ['undeliveredAgeMs', 'dirtyAgeMs', 'missingObjectsAgeMs'] },
    { title: 'Changes delivered', unit: 'short', metrics: ['replicationLagCount'] },
    { title: 'Since the last reconcile, since all was clean', unit: 'ms', metrics: ['reconcileAgeMs', 'cleanAgeMs'] },
  ],
  'What waits': [
    { title: 'For the other site', unit: 'short', metrics: ['undeliveredBatches', 'undeliveredBuckets'] },
    { title: 'To be compared', unit: 'short', metrics: ['dirtyBatches', 'dirtyBuckets', 'scrubBucketsLeft'] },
    { title: 'Objects to come', unit: 'short', metrics: ['missingObjects'] },
    { title: 'Bytes to come', unit: 'bytes', metrics: ['missingObjectsBytes'] },
    { title: 'Jobs', unit: 'short', metrics: ['queueWaiting'] },
    { title: 'Events of the drop area', unit: 'short', metrics: ['dropEventsWaiting'] },
  ],
  'What needs somebody': [
    {
      title: 'Dead letters',
      unit: 'short',
      metrics: ['deadLettersWaiting', 'queueDeadLetters', 'dropEventsDeadLetters'],
    },
    { title: 'Age of the oldest dead letter', unit: 'ms', metrics: ['deadLettersAgeMs'] },
    { title: 'Breaker frozen', unit: 'bool', metrics: ['breakerFrozen'] },
    { title: 'Paused', unit: 'bool', metrics: ['pausedOutgoing', 'pausedIncoming'] },
    { title: 'Quarantined states', unit: 'short', metrics: ['quarantinedStates'] },
    { title: 'Warnings', unit: 'short', metrics: ['replicationWarnings'] },
  ],
  'Between the sites': [
    { title: 'The other site answers', unit: 'bool', metrics: ['peerReachable'] },
    { title: "The other site's clock", unit: 'ms', metrics: ['peerClockAheadMs', 'quarantinedAheadMs'] },
  ],
  'What users see': [
    {
      title: 'Latency of the API, p99',
      unit: 'ms',
      platform: {
        name: 'apiLatencyP99Ms',
        aws: { namespace: 'AWS/ApiGateway', metric: 'Latency', statistic: 'p99', dimensions: gateway },
      },
    },
    {
      title: 'Failed requests',
      unit: 'percent',
      platform: {
        name: 'apiErrorsPercent',
        aws: {
          namespace: 'AWS/ApiGateway',
          metric: '5XXError',
          statistic: 'Average',
          dimensions: gateway,
          isShare: true,
        },
      },
    },
    {
      title: 'Throttled functions',
      unit: 'short',
      platform: {
        name: 'functionThrottles',
        aws: { namespace: 'AWS/Lambda', metric: 'Throttles', statistic: 'Sum', dimensions: {} },
      },
    },
  ],
}
