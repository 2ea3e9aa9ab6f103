param name string
param location string
param tags object
param workspaceId string
param recordsId string
param actionGroupId string

// The one list that both clouds' alarms are made of.
var alarms = loadJsonContent('../../../infra/alarms.json')
var queries = loadJsonContent('../alarm-queries.json')
var severities = { page: 1, ticket: 3 }
var aggregations = {
  Average: 'avg(value)'
  Maximum: 'max(value)'
  Minimum: 'min(value)'
  p99: 'percentile(value, 99)'
  SampleCount: 'count()'
  Sum: 'sum(value)'
}
var operators = {
  GreaterThanOrEqualToThreshold: '>='
  GreaterThanThreshold: '>'
  LessThanOrEqualToThreshold: '<='
  LessThanThreshold: '<'
}

// Log lines take minutes to arrive: what is younger would always be missing.
var latenessSeconds = 300
var span = '| where TimeGenerated between (ENDING - 1s * SPAN .. ENDING)'
var counted = '| summarize value = AGGREGATED by bin_at(TimeGenerated, 1s * PERIOD, ENDING) | where value COMPARED | summarize breaching = count()'
// What is silent has no periods to count, so the whole time is looked at as one.
var absent = '| summarize value = count() | project breaching = iff(value COMPARED, NEEDED, 0)'

var figures = [
  for alarm in items(alarms): {
    name: alarm.key
    seconds: alarm.value.periodSeconds * alarm.value.evaluationPeriods
    source: alarm.value.source == 'catamaran' ? queries.catamaran : queries[alarm.value.metric]
    judged: alarm.value.missing == 'breaching' ? absent : counted
    compared: '${operators[alarm.value.comparison]} ${alarm.value.threshold}'
  }
]

var asked = [
  for (alarm, index) in items(alarms): replace(
    replace(
      replace(
        replace('${figures[index].source} ${span} ${figures[index].judged}', 'METRIC', alarm.value.metric),
        'SPAN',
        string(figures[index].seconds)
      ),
      'PERIOD',
      string(alarm.value.periodSeconds)
    ),
    'ENDING',
    'now(-${latenessSeconds}s)'
  )
]

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for (alarm, index) in items(alarms): if (alarm.key != 'store-throttles') {
    name: '${name}-${alarm.key}'
    location: location
    tags: tags
    properties: {
      displayName: '${name} ${alarm.key}'
      description: '${alarm.value.why} See ${alarm.value.runbook}.'
      severity: severities[alarm.value.severity]
      enabled: true
      autoMitigate: true
      scopes: [workspaceId]
      evaluationFrequency: 'PT5M'
      // One that Azure takes and that holds the whole time.
      windowSize: figures[index].seconds + latenessSeconds <= 900
        ? 'PT15M'
        : (figures[index].seconds + latenessSeconds <= 3600 ? 'PT1H' : 'PT6H')
      criteria: {
        allOf: [
          {
            query: replace(
              replace(
                replace(asked[index], 'AGGREGATED', aggregations[alarm.value.statistic]),
                'COMPARED',
                figures[index].compared
              ),
              'NEEDED',
              string(alarm.value.datapointsToAlarm)
            )
            metricMeasureColumn: 'breaching'
            timeAggregation: 'Maximum'
            operator: 'GreaterThanOrEqual'
            threshold: alarm.value.datapointsToAlarm
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: [actionGroupId] }
    }
  }
]

// Which requests Cosmos DB refused is in no log that costs little, but it is a metric.
var throttles = alarms['store-throttles']

resource storeThrottles 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: '${name}-store-throttles'
  location: 'global'
  tags: tags
  properties: {
    description: '${throttles.why} See ${throttles.runbook}.'
    severity: severities[throttles.severity]
    enabled: true
    autoMitigate: true
    scopes: [recordsId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'throttled'
          criterionType: 'StaticThresholdCriterion'
          metricName: 'TotalRequests'
          dimensions: [
            { name: 'StatusCode', operator: 'Include', values: ['429'] }
          ]
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          // Over the whole time at once: a metric alert cannot count periods.
          threshold: throttles.threshold * throttles.datapointsToAlarm
        }
      ]
    }
    actions: [{ actionGroupId: actionGroupId }]
  }
}
