import { OpenAPIHono } from '@hono/zod-openapi'
import type { Hono } from 'hono'
import type { Api, ApiEnv } from './api.ts'
import { checkUrl, everyRequest, noRoute, onFailure } from './middleware.ts'
import type { ApiOptions } from './options.ts'
import { addPages } from './pages.ts'
import { makeRateLimiter } from './rate-limit.ts'
import { jsonBodyBytesMax } from './request-body.ts'
import { addAnalyticsRoutes } from './routes/analytics.ts'
import { addExportRoutes } from './routes/exports.ts'
import { addAssetCreateRoute } from './routes/asset-create.ts'
import { addAssetRoutes } from './routes/assets.ts'
import { addBatchRoutes } from './routes/batch.ts'
import { addBreakerRoutes } from './routes/breaker.ts'
import { addChangeRoutes } from './routes/changes.ts'
import { addCollectionRoutes } from './routes/collections.ts'
import { addConflictRoutes } from './routes/conflicts.ts'
import { addContentRoutes } from './routes/content.ts'
import { addEventRoutes } from './routes/events.ts'
import { addHealthRoutes } from './routes/health.ts'
import { addImageKeyRoutes } from './routes/image-keys.ts'
import { addImagePolicyRoutes } from './routes/image-policies.ts'
import { addImageRoutes } from './routes/images.ts'
import { addKeyRoutes } from './routes/keys.ts'
import { addPlaybackRoutes } from './routes/playback.ts'
import { addProfileCheckRoutes } from './routes/profile-checks.ts'
import { addRecordVersionRoutes } from './routes/record-versions.ts'
import { addRecordRoutes } from './routes/records.ts'
import { addReplicationOperationRoutes } from './routes/replication-operations.ts'
import { addReplicationRoutes } from './routes/replication.ts'
import { addUploadRoutes } from './routes/uploads.ts'
import { addWebhookDeliveryRoutes } from './routes/webhook-deliveries.ts'
import { addWebhookRoutes } from './routes/webhooks.ts'
import { makeWaiting } from './wait.ts'

const rateLimitDefault = { quota: 60_000, windowSeconds: 60 } as const
const wrongKeyLimitDefault = { quota: 300, windowSeconds: 60 } as const

/** The one HTTP API, the same at both sites: `app.fetch(request)` is all that a trigger needs. */
export function makeApp(options: ApiOptions): Hono<ApiEnv> {
  const app = new OpenAPIHono<ApiEnv>()
  const { services, peerRoutes } = options
  const limiter = makeRateLimiter(services.clock, options.rateLimit ?? rateLimitDefault)
  const wrongKeyLimiter = makeRateLimiter(services.clock, options.wrongKeyLimit ?? wrongKeyLimitDefault)
  const bodyBytesMax = options.maxBodyBytes ?? jsonBodyBytesMax
  const waiting = makeWaiting(services)
  const api: Api = { app, services, waiting, options, limiter, wrongKeyLimiter, bodyBytesMax, paths: new Map() }
  app.onError(onFailure(api))
  app.notFound(noRoute(api))
  app.use('*', everyRequest(api))
  app.use('*', checkUrl(api))
  addAssetCreateRoute(api)
  addAssetRoutes(api)
  addUploadRoutes(api)
  addEventRoutes(api)
  addContentRoutes(api)
  addImageRoutes(api)
  addImageKeyRoutes(api)
  addImagePolicyRoutes(api)
  addPlaybackRoutes(api)
  addProfileCheckRoutes(api)
  addAnalyticsRoutes(api)
  addExportRoutes(api)
  addRecordRoutes(api)
  addRecordVersionRoutes(api)
  addBatchRoutes(api)
  addChangeRoutes(api)
  addCollectionRoutes(api)
  addConflictRoutes(api)
  addReplicationRoutes(api)
  addBreakerRoutes(api)
  addReplicationOperationRoutes(api)
  addKeyRoutes(api)
  addWebhookRoutes(api)
  addWebhookDeliveryRoutes(api)
  addHealthRoutes(api)
  addPages(api)
  if (peerRoutes) app.route('/peer/v1', peerRoutes)
  return app
}
