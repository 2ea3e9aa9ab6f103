import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SignatureV4 } from '@smithy/signature-v4'
import { callAnalysis, type RefusalReader } from '../../shared/adapters/analysis-call.ts'
import { type AnalysisFeature, confidenceMin, type Findings } from '../../shared/domain/analysis.ts'
import type { ErrorCode } from '../../shared/domain/errors.ts'
import type { Analysis, AnalysisResult } from '../../shared/ports/analysis.ts'
import { foundFaces, foundLabels, foundModeration, foundText } from './analysis-findings.ts'

export interface RekognitionOptions {
  /** Any client of this site: its credentials, its region and its hash sign the calls. */
  readonly client: Pick<DynamoDBClient, 'config'>
  readonly features: readonly AnalysisFeature[]
  /** That of the client's region when absent. */
  readonly endpoint?: string
}

const labelsMax = 30
const minConfidence = confidenceMin * 100

interface Call {
  /** As `X-Amz-Target` has it, and as the role allows it. */
  readonly target: string
  readonly settings: Readonly<Record<string, unknown>>
  readonly read: (answer: object) => Findings
  readonly version: string
}

const calls: Readonly<Record<AnalysisFeature, Call>> = {
  labels: {
    target: 'RekognitionService.DetectLabels',
    settings: { MaxLabels: labelsMax, MinConfidence: minConfidence },
    read: (answer) => ({ labels: foundLabels(answer) }),
    version: 'LabelModelVersion',
  },
  text: {
    target: 'RekognitionService.DetectText',
    settings: {},
    read: (answer) => ({ text: foundText(answer) }),
    version: 'TextModelVersion',
  },
  faces: {
    target: 'RekognitionService.DetectFaces',
    settings: {},
    read: (answer) => ({ faces: foundFaces(answer) }),
    version: 'FaceModelVersion',
  },
  moderation: {
    target: 'RekognitionService.DetectModerationLabels',
    settings: { MinConfidence: minConfidence },
    read: (answer) => ({ moderation: foundModeration(answer) }),
    version: 'ModerationModelVersion',
  },
}

/**
 * Amazon Rekognition, one call a feature, signed by hand: the whole client would be a third of a bundle for four calls. The bytes
 * are sent along, so it needs no right on the bucket.
 */
export const rekognitionAnalysis = ({ client, features, endpoint }: RekognitionOptions): Analysis => ({
  service: 'rekognition',
  features,
  takes: { bytesMax: 5 * 2 ** 20, sidePixelsMin: 80, sidePixelsMax: 10_000 },
  analyse: async ({ bytes }, signal) => {
    const picture = Buffer.from(bytes).toString('base64')
    const url = new URL(endpoint ?? `https://rekognition.${await client.config.region()}.amazonaws.com`)
    const result: { findings: Findings; models: Record<string, string> } = { findings: {}, models: {} }
    for (const feature of features) {
      const { target, settings, read, version } = calls[feature]
      const body = JSON.stringify({ Image: { Bytes: picture }, ...settings })
      const answer = await ask(client, url, { target, body, signal })
      Object.assign(result.findings, read(answer))
      const model = (answer as Record<string, unknown>)[version]
      if (typeof model === 'string') result.models[feature] = model
    }
    return result satisfies AnalysisResult
  },
})

async function ask(
  { config }: RekognitionOptions['client'],
  url: URL,
  { target, body, signal }: { readonly target: string; readonly body: string; readonly signal: AbortSignal },
): Promise<object> {
  const { credentials, sha256 } = config
  const signer = new SignatureV4({ credentials, region: await config.region(), service: 'rekognition', sha256 })
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    path: '/',
    query: {},
    headers: { host: url.host, 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
    body,
  })
  return callAnalysis('Rekognition', url, { headers, body }, { signal, refusalOf })
}

/** By the name of the error, as the API reference lists them; whatever is not listed goes by its status. */
const codeByName: Readonly<Record<string, ErrorCode>> = {
  ProvisionedThroughputExceededException: 'throttled',
  ThrottlingException: 'throttled',
  LimitExceededException: 'throttled',
  ImageTooLargeException: 'too-large',
  InvalidImageFormatException: 'invalid-media',
  InvalidParameterException: 'invalid-media',
  InternalServerError: 'unavailable',
}

const refusalOf: RefusalReader = (text) => codeByName[/"__type"\s*:\s*"(?:[^"#]*#)?(\w+)"/.exec(text)?.[1] ?? '']
