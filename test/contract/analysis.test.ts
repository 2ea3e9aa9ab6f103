import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  DetectFacesCommand,
  DetectLabelsCommand,
  DetectModerationLabelsCommand,
  DetectTextCommand,
  RekognitionClient,
} from '@aws-sdk/client-rekognition'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { rekognitionAnalysis } from '../../aws/adapters/analysis.ts'
import { visionAnalysis } from '../../azure/adapters/analysis.ts'
import { boundedFindings, type AnalysisFeature } from '../../shared/domain/analysis.ts'
import { memoryAnalysis } from '../memory/analysis.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { rekognitionAnswers, visionAnswers } from './analysis-answers.ts'
import { analysisSuite, picture } from './analysis-suite.ts'

const region = 'eu-central-1'
const credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret', sessionToken: 'session' }
const all: readonly AnalysisFeature[] = ['labels', 'text', 'faces', 'moderation']
const never = new AbortController().signal

interface Asked {
  readonly method: string | undefined
  readonly url: URL
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** As the references list them: status, then body. */
type Refusal = 'throttled' | 'broken' | 'unreadable' | 'garbage'
const refusals: Readonly<Record<'aws' | 'azure', Readonly<Record<Refusal, readonly [number, string]>>>> = {
  aws: {
    throttled: [400, '{"__type":"ThrottlingException","message":"Rate exceeded"}'],
    broken: [500, '{"__type":"com.amazonaws.rekognition#InternalServerError","Message":"role/secret-name"}'],
    unreadable: [400, '{"__type":"InvalidImageFormatException","Message":"Request has invalid image format"}'],
    garbage: [200, '<html>'],
  },
  azure: {
    throttled: [429, '{"error":{"code":"429","message":"Requests have exceeded call rate limit."}}'],
    broken: [500, '{"error":{"code":"InternalServerError","message":"endpoint/secret-name"}}'],
    unreadable: [
      400,
      '{"error":{"code":"InvalidRequest","message":"bad","innererror":{"code":"InvalidImageFormat","message":"bad"}}}',
    ],
    garbage: [200, '[]]'],
  },
}

let server: Server
let endpoint = ''
let failing: Refusal | undefined
const asked: Asked[] = []

function answer({ url, headers }: Asked): readonly [number, string] {
  const target = String(headers['x-amz-target'] ?? '')
  if (failing) return refusals[target === '' ? 'azure' : 'aws'][failing]
  const found =
    target === '' ? visionAnswers[url.pathname] : rekognitionAnswers[target.replace('RekognitionService.', '')]
  return found ? [200, JSON.stringify(found)] : [404, '{"error":{"code":"404","message":"Resource not found"}}']
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const { method, headers } = request
      const one = { method, headers, url: new URL(request.url ?? '/', 'http://x'), body: Buffer.concat(pieces) }
      asked.push(one)
      const [status, text] = answer(one)
      response.writeHead(status, { 'content-type': 'application/json' }).end(text)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
beforeEach(() => {
  asked.length = 0
  failing = undefined
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})

const identity = {
  getToken: async (scope: string | string[]) => {
    expect(scope).toBe('https://cognitiveservices.azure.com/.default')
    return { token: 'entra-token', expiresOnTimestamp: Date.now() + 60_000 }
  },
}
const byAws = (features: readonly AnalysisFeature[]) =>
  rekognitionAnalysis({ client: new DynamoDBClient({ region, credentials }), features, endpoint })
const byAzure = (features: readonly AnalysisFeature[]) => visionAnalysis({ identity, features, endpoint })
const switches = {
  fail: (kind: Refusal) => {
    failing = kind
  },
  heal: () => {
    failing = undefined
  },
}

analysisSuite('Amazon Rekognition', { make: byAws, ...switches })
analysisSuite('Azure AI Vision', { make: byAzure, ...switches })
analysisSuite('memory', {
  make: (features) => {
    const codes = { throttled: 'throttled', broken: 'unavailable', unreadable: 'invalid-media', garbage: 'unavailable' }
    const memory = memoryAnalysis({
      features,
      findings: {
        labels: [
          {
            name: 'dog',
            category: 'animal',
            confidence: 0.9887,
            label: 'dog',
            boxes: [
              { x: 0.125, y: 0.25, width: 0.25, height: 0.5 },
              { x: 0.9, y: 0.9, width: 0.5, height: 0.5 },
            ],
          },
          { name: 'plant', category: 'plant', confidence: 0.8, label: 'plant', boxes: [] },
        ],
        text: [{ text: 'OPEN 24 HOURS', confidence: 0.935, box: { x: 0.25, y: 0.05, width: 0.5, height: 0.1 } }],
        faces: [{ box: { x: 0.6, y: 0.3, width: 0.1, height: 0.2 } }],
        moderation: [{ category: 'violence', confidence: 0.812, label: 'gore' }],
      },
    })
    if (failing) memory.faults.push(fault(codes[failing] as 'throttled'))
    return memory
  },
  ...switches,
})

const fault = (code: 'throttled'): CatamaranError =>
  new CatamaranError(code, 'no', { publicMessage: 'The service that looks at pictures refused.' })

test('what is asked of Rekognition is what the SDK would ask, and signed as it signs', async () => {
  const sdk = new RekognitionClient({ region, credentials, endpoint })
  await byAws(all).analyse(picture, never)
  const ours = asked.splice(0)
  const Image = { Bytes: picture.bytes }
  await sdk.send(new DetectLabelsCommand({ Image, MaxLabels: 30, MinConfidence: 50 }))
  await sdk.send(new DetectTextCommand({ Image }))
  await sdk.send(new DetectFacesCommand({ Image }))
  await sdk.send(new DetectModerationLabelsCommand({ Image, MinConfidence: 50 }))
  const told = ({ method, url, headers, body }: Asked) => ({
    method,
    path: url.pathname,
    type: headers['content-type'],
    target: headers['x-amz-target'],
    token: headers['x-amz-security-token'],
    scope: /Credential=[^,]+/.exec(headers.authorization ?? '')?.[0],
    body: JSON.parse(body.toString()) as unknown,
  })
  expect(ours.map(told)).toEqual(asked.map(told))
  expect(ours[0]?.headers.authorization).toContain('/eu-central-1/rekognition/aws4_request')
})

test('what is asked of AI Vision: two calls at most, the bytes as they are, the identity token', async () => {
  await byAzure(all).analyse(picture, never)
  expect(asked.map(({ method, url }) => `${method} ${url.pathname}${decodeURIComponent(url.search)}`)).toEqual([
    'POST /computervision/imageanalysis:analyze?api-version=2024-02-01&features=tags,objects,read',
    'POST /vision/v3.2/analyze?visualFeatures=Faces,Adult',
  ])
  for (const { headers, body } of asked) {
    expect(headers['content-type']).toBe('application/octet-stream')
    expect(headers.authorization).toBe('Bearer entra-token')
    expect([...body]).toEqual([...picture.bytes])
  }
  asked.length = 0
  await byAzure(['faces']).analyse(picture, never)
  expect(asked.map(({ url }) => url.search)).toEqual(['?visualFeatures=Faces'])
})

test('an identity without a token is told as such', async () => {
  const lost = visionAnalysis({
    identity: { getToken: async () => Promise.reject(new Error('none')) },
    features: ['labels'],
    endpoint,
  })
  await expect(lost.analyse(picture, never)).rejects.toMatchObject({ code: 'unavailable' })
})

test('answers that lack everything are answers in which nothing was found', async () => {
  for (const make of [byAws, byAzure]) {
    const answers = make === byAws ? rekognitionAnswers : visionAnswers
    const kept = { ...answers }
    for (const name of Object.keys(answers)) Object.assign(answers, { [name]: {} })
    const { findings } = await make(all).analyse(picture, never)
    expect(boundedFindings(findings)).toEqual({ labels: [], text: [], faces: [], moderation: [] })
    Object.assign(answers, kept)
  }
})

test('what is kept has bounds, the surest first', () => {
  const labels = Array.from({ length: 400 }, (_, index) => ({
    name: `n${index}`,
    category: 'other' as const,
    confidence: index / 400,
    boxes: Array.from({ length: 100 }, () => ({ x: 0, y: 0, width: 1, height: 1 })),
    label: `N${index}`,
  }))
  const text = Array.from({ length: 400 }, (_, index) => ({
    text: 'x'.repeat(1000),
    confidence: index % 2,
    box: { x: 0, y: 0, width: 1, height: 1 },
  }))
  const bounded = boundedFindings({ labels, text })
  expect([bounded.labels?.length, bounded.labels?.[0]?.label, bounded.labels?.[0]?.boxes.length]).toEqual([
    30,
    'N399',
    5,
  ])
  expect([bounded.text?.length, bounded.text?.[0]?.text.length]).toEqual([30, 120])
  // A page shows a hundred assets, and an answer of a function holds 6 MB.
  expect(JSON.stringify(bounded).length).toBeLessThan(20_000)
})
