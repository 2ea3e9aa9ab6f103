import { readFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { S3Client } from '@aws-sdk/client-s3'
import { parse } from 'yaml'
import { cloudFrontGate } from '../../../local/edge/cloudfront.ts'
import { frontDoorGate } from '../../../local/edge/front-door.ts'

// What the edges here say of every object is what those say that are deployed.

test('CloudFront', async () => {
  const { Resources } = parse(await readFile('aws/infra/edge.yml', 'utf8')) as {
    Resources: {
      EdgeHeaders: {
        Properties: { ResponseHeadersPolicyConfig: { CorsConfig: unknown; SecurityHeadersConfig: unknown } }
      }
    }
  }
  const { headers } = cloudFrontGate({ publicKeys: new Map(), s3: new S3Client({}), bucketOf: () => undefined })
  expect(Resources.EdgeHeaders.Properties.ResponseHeadersPolicyConfig.SecurityHeadersConfig).toEqual({
    ContentSecurityPolicy: { ContentSecurityPolicy: headers['content-security-policy'], Override: true },
    ContentTypeOptions: { Override: true },
    FrameOptions: { FrameOption: headers['x-frame-options'], Override: true },
    ReferrerPolicy: { ReferrerPolicy: headers['referrer-policy'], Override: true },
    StrictTransportSecurity: {
      AccessControlMaxAgeSec: Number(/max-age=(\d+);/.exec(headers['strict-transport-security'] ?? '')?.[1]),
      IncludeSubdomains: headers['strict-transport-security']?.endsWith('; includeSubDomains'),
      Override: true,
    },
  })
  expect(Resources.EdgeHeaders.Properties.ResponseHeadersPolicyConfig.CorsConfig).toEqual({
    AccessControlAllowCredentials: false,
    AccessControlAllowHeaders: { Items: ['*'] },
    AccessControlAllowMethods: { Items: ['GET', 'HEAD'] },
    AccessControlAllowOrigins: { Items: [headers['access-control-allow-origin']] },
    AccessControlExposeHeaders: { Items: headers['access-control-expose-headers']?.split(', ') },
    OriginOverride: true,
  })
  expect(Object.keys(headers).length).toBe(7)
})

test('Front Door', async () => {
  const template = await readFile('azure/infra/modules/edge.bicep', 'utf8')
  const list = /var headers = \[\n([^]*?)\n\]/.exec(template)?.[1] ?? ''
  const stated = [...list.matchAll(/\{ name: '(.+)', value: '(.+)' \}/g)].map(([, name = '', value = '']) => [
    name.toLowerCase(),
    value.replaceAll(String.raw`\'`, "'"),
  ])
  expect(Object.fromEntries(stated)).toEqual(frontDoorGate({ blobEndpoint: '' }).headers)
})
