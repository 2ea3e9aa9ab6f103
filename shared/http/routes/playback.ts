import * as z from '../zod.ts'
import { getAsset } from '../../core/assets.ts'
import { playbackFile, playingOf } from '../../core/playback.ts'
import { CatamaranError } from '../../domain/errors.ts'
import type { Api } from '../api.ts'
import { openPlayback, sealPlayback } from '../playback-token.ts'
import { route, type AnyCall } from '../route.ts'
import { playbackSchema } from '../schemas/playback.ts'
import { assetParams, assetPath, assetTag } from './assets.ts'

/** Longer than the longest film. */
const secondsDefault = 8 * 3_600
const secondsMax = 24 * 3_600
/** A manifest may be kept this long: its addresses are good for longer. */
const keptSeconds = 60

const fileParams = z.strictObject({
  token: z.string().regex(/^[A-Za-z0-9_-]{32,1024}$/),
  file: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.(m3u8|mpd|mp4|m4a|vtt|jpg)$/),
})

export function addPlaybackRoutes(api: Api): void {
  const begin = {
    method: 'get',
    path: `${assetPath}/playback`,
    operationId: 'getPlayback',
    tag: assetTag,
    summary: 'Addresses from which a video is streamed',
    description:
      'For HLS and DASH players: whoever has such an address can play this asset, without a key, until it ends.',
    scope: 'assets:read',
    params: assetParams,
    query: z.strictObject({ seconds: z.coerce.number().int().min(60).max(secondsMax).default(secondsDefault) }),
    responses: { 200: { description: 'The addresses.', schema: playbackSchema } },
  } as const
  route(api, begin, (call) => addresses(call, call.params.id, call.query.seconds))
  const play = {
    method: 'get',
    path: '/v1/playback/{token}/{file}',
    operationId: 'getPlaybackFile',
    tag: assetTag,
    summary: 'A file of a stream',
    description: 'What players ask for by themselves: manifests, and the tracks that they name.',
    scope: 'public',
    params: fileParams,
    responses: {
      200: { description: 'A manifest.', mediaType: 'application/vnd.apple.mpegurl' },
      307: { description: 'To the CDN, or to the other site while the bytes are not here.', headers: ['Location'] },
    },
  } as const
  route(api, play, (call) => file(call, call.params))
}

async function addresses(call: AnyCall, id: string, seconds: number): Promise<Response> {
  const { api, c, services, tenant, session } = call
  // Brings the asset here first when the session has seen more of it than this site.
  if (session) await getAsset(services, tenant, id, { session })
  const { sprite } = await playingOf(services, tenant, id)
  const expiresAtMs = Math.floor(services.clock.now() / 1000 + seconds) * 1000
  const token = sealPlayback(api.options.signing, { tenant, asset: id, expiresAtMs })
  const base = `${api.options.publicUrl}/v1/playback/${token}`
  return c.json({
    hls: `${base}/hls.m3u8`,
    dash: `${base}/dash.mpd`,
    ...(sprite && { thumbnails: `${base}/thumbnails.vtt` }),
    expiresAt: new Date(expiresAtMs).toISOString(),
  })
}

async function file(call: AnyCall, params: z.output<typeof fileParams>): Promise<Response> {
  const { api, c, services } = call
  const grant = openPlayback(api.options.signing, params.token, services.clock.now())
  limitRate(api, `${grant.tenant}/${grant.asset}`)
  const found = await playbackFile(services, grant, params.file)
  c.header('cache-control', `private, max-age=${keptSeconds}`)
  if (found.kind === 'redirect') return c.redirect(found.url, 307)
  return c.body(found.text, 200, { 'content-type': found.mediaType })
}

/** By asset: a player asks for a handful of manifests, and its segments come from the edge. */
function limitRate({ limiter }: Api, asset: string): void {
  const { allowed, retryAfterMs } = limiter.take(`playback/${asset}`)
  if (!allowed) throw new CatamaranError('throttled', 'Too many requests for this stream.', { retryAfterMs })
}
