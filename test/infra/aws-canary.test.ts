import { expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { cloudWatchTelemetry } from '../../aws/adapters/telemetry.ts'
import { repository, sourcesIn } from '../../infra/sources.ts'
import { memoryClock } from '../memory/clock.ts'

interface Filter {
  readonly FilterPattern: string
  readonly MetricTransformations: readonly { readonly Dimensions: readonly { readonly Value: string }[] }[]
}

test('the line of an answer has what the filter of failed answers reads, and its version splits no metric', async () => {
  const lines: string[] = []
  const write = (line: string): void => void lines.push(line)
  const options = { service: 'http', stage: 'dev', version: '7', level: 'error', clock: memoryClock(0), write } as const
  cloudWatchTelemetry(options).metric('requestMs', 12, { route: '/v1/assets', method: 'GET', status: '503' })
  const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>
  const template = parse(await sourcesIn(repository).text('aws/infra/canary.yml')) as {
    Resources: { CanaryFailures: { Properties: Filter } }
  }
  const { FilterPattern, MetricTransformations } = template.Resources.CanaryFailures.Properties
  const read = [...JSON.stringify([FilterPattern, MetricTransformations]).matchAll(/\$\.(\w+)/g)].map(
    ([, name]) => name,
  )
  expect(new Set(read)).toEqual(new Set(['requestMs', 'stage', 'status', 'version']))
  expect(line).toMatchObject({ requestMs: 12, stage: 'dev', status: '503', version: '7' })
  expect(JSON.stringify(line._aws)).not.toContain('version')
})
