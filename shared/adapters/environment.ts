import { createPrivateKey, createPublicKey } from 'node:crypto'
import * as z from 'zod'
import { analysisFeatures } from '../domain/analysis.ts'
import { streamCodecs } from '../domain/stream-codecs.ts'
import { incarnationMax } from '../domain/site.ts'

const jsonText = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown
      } catch {
        context.addIssue({ code: 'custom', message: 'not JSON' })
        return z.NEVER
      }
    })
    .pipe(schema)

const halfKey = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be 32 bytes in base64url')

const okpKey = z.looseObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: halfKey,
  kid: z.string().optional(),
})

/** An Ed25519 private key as a JWK (RFC 8037). */
const privateKey = jsonText(okpKey.extend({ d: halfKey }))

/** A JWKS (RFC 7517) in plain configuration. */
const publicKeys = jsonText(
  z.object({ keys: z.array(okpKey.refine((key) => !('d' in key), 'holds a private key: take `d` out')).min(1) }),
)

/** An address to which paths are appended: without a slash at its end. */
const baseUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''))

/** As tokens name it, to the letter: a slash at its end belongs to it. */
const issuerUrl = z
  .url({ protocol: /^https?$/ })
  .refine((url) => url.startsWith('https:') || new URL(url).hostname === '127.0.0.1', 'must be https')

const signInIssuer = z.strictObject({
  issuer: issuerUrl,
  audience: z.string().min(1),
  rolesClaim: z.string().min(1).default('roles'),
  alwaysMfa: z.boolean().default(false),
})

const textList = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean),
  )
  .refine((list) => list.length > 0, 'must name at least one')

const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text

/** The variables that mean the same on both sites. */
export const sharedVariables = {
  CATAMARAN_STAGE: z.string().min(1),
  PEER_URL: baseUrl,
  PUBLIC_URL: baseUrl,
  EDGE_URL: baseUrl,
  /** The audience of the tokens that this cloud's identity service makes for calls to the peer. */
  PEER_TOKEN_AUDIENCE: z.string().min(1).optional(),
  /** The identity service of the peer's cloud; the peer's identities there; the audience of their tokens for this site. */
  PEER_ISSUER: issuerUrl.optional(),
  PEER_SUBJECTS: textList.optional(),
  PEER_AUDIENCE: z.string().min(1).optional(),
  /** Where people sign in, a JSON array; without it API keys alone are taken. */
  SIGN_IN: jsonText(z.array(signInIssuer).min(1).max(4)).optional(),
  /** In place of an identity service: this site's private key. */
  PEER_PRIVATE_KEY: privateKey.optional(),
  /** The peer's public keys. */
  PEER_PUBLIC_KEYS: publicKeys.optional(),
  /** What this site signs cursors and addresses with; never the other one's. */
  SIGNING_PRIVATE_KEY: privateKey,
  /** By which it takes what either site signed: the public keys of both, the same at both. */
  SIGNING_PUBLIC_KEYS: publicKeys,
  /** The origins whose pages may call the API, as browsers state them, separated by commas. */
  ALLOWED_ORIGINS: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((origin) => origin.trim())
        .filter(Boolean),
    )
    .refine(
      (origins) => origins.every(isOrigin),
      'must be origins such as https://app.example.com, with commas between',
    ),
  /** One more each time that this site goes back to a backup, or begins empty beside a peer that knows it. */
  SITE_INCARNATION: z.coerce.number().int().min(0).max(incarnationMax).default(0),
  /** For local development alone: webhooks and imports may go to this machine, unencrypted. */
  PRIVATE_ADDRESSES: z.stringbool().default(false),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /** What this cloud's service is asked of pictures, of `labels,text,faces,moderation`; nothing unless named. */
  ANALYSIS_FEATURES: textList.pipe(z.array(z.enum(analysisFeatures))).optional(),
  /** What adaptive streams are encoded in besides H.264, of `hevc` and `av1`; many times the work of H.264. */
  STREAM_CODECS: textList.pipe(z.array(z.enum(streamCodecs))).optional(),
  FFMPEG_PATH: z.string().min(1).optional(),
  /** For local development alone: what one worker encodes of a long film, so that a small one is long. */
  FILM_PART_PIXELS: z.coerce.number().positive().optional(),
  /** A program that runs one SQL query over Parquet files; without it the API answers none. */
  ANALYTICS_PROGRAM: z.string().min(1).optional(),
  /** Where ffmpeg is looked for when FFMPEG_PATH does not name it. */
  PATH: z.string().optional(),
}

/** The part of a site's configuration that both clouds share. */
export type SharedConfig = z.infer<z.ZodObject<typeof sharedVariables>>

/** Each site shows who it is, and tells who the peer is, by its cloud's identity service or by a key. Federation is whole or not there. */
export function checkPeerVariables(config: SharedConfig, context: z.RefinementCtx): void {
  const miss = (name: keyof SharedConfig, instead?: string): void =>
    context.addIssue({ code: 'custom', path: [name], message: instead ? `missing (or ${instead})` : 'missing' })
  if (!config.PEER_TOKEN_AUDIENCE && !config.PEER_PRIVATE_KEY) miss('PEER_PRIVATE_KEY', 'PEER_TOKEN_AUDIENCE')
  const trust = ['PEER_ISSUER', 'PEER_SUBJECTS', 'PEER_AUDIENCE'] as const
  const absent = trust.filter((name) => config[name] === undefined)
  if (absent.length === trust.length) {
    if (!config.PEER_PUBLIC_KEYS) miss('PEER_PUBLIC_KEYS', trust.join(', '))
    return
  }
  for (const name of absent) miss(name)
}

/** A site whose own key is not among the public ones could not read its own cursors, and neither could the other one. */
export function checkSigningVariables(config: SharedConfig, context: z.RefinementCtx): void {
  const own = createPrivateKey({ key: config.SIGNING_PRIVATE_KEY, format: 'jwk' })
  const { x } = createPublicKey(own).export({ format: 'jwk' })
  if (config.SIGNING_PUBLIC_KEYS.keys.some((key) => key.x === x)) return
  const message = 'lacks the public half of SIGNING_PRIVATE_KEY: add it here and at the other site'
  context.addIssue({ code: 'custom', path: ['SIGNING_PUBLIC_KEYS'], message })
}

/** Checks an environment; an empty variable counts as missing. The error names every faulty variable, never its value. */
export function parseEnvironment<Schema extends z.ZodType>(
  schema: Schema,
  environment: Readonly<Record<string, string | undefined>>,
): z.infer<Schema> {
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value))
  const result = schema.safeParse(present)
  if (result.success) return result.data
  const faults = result.error.issues.map(({ path: [name], message }) =>
    name !== undefined && present[String(name)] === undefined && !message.startsWith('missing')
      ? `${String(name)}: missing`
      : `${String(name)}: ${message}`,
  )
  throw new Error(`The environment is incomplete. ${faults.join('; ')}`)
}
