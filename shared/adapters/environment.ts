import { z } from 'zod'
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

const okpKey = z.looseObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
  kid: z.string().optional(),
})

/** An address to which paths are appended: without a slash at its end. */
const baseUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''))

const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text

/** The variables that mean the same on both sites. */
export const sharedVariables = {
  CATAMARAN_STAGE: z.string().min(1),
  PEER_URL: baseUrl,
  PUBLIC_URL: baseUrl,
  EDGE_URL: baseUrl,
  /** This site's Ed25519 private key, a JWK (RFC 8037). */
  PEER_PRIVATE_KEY: jsonText(okpKey.extend({ d: z.string() })),
  /** The peer's public keys, a JWKS (RFC 7517). */
  PEER_PUBLIC_KEYS: jsonText(z.object({ keys: z.array(okpKey).min(1) })),
  /** 32 bytes, the same on both sites. */
  CURSOR_KEY: z
    .string()
    .refine((text) => Buffer.from(text, 'base64').byteLength === 32, 'must be 32 bytes in base64')
    .transform((text) => new Uint8Array(Buffer.from(text, 'base64'))),
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
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  FFMPEG_PATH: z.string().min(1).optional(),
  /** Where ffmpeg is looked for when FFMPEG_PATH does not name it. */
  PATH: z.string().optional(),
}

/** The part of a site's configuration that both clouds share. */
export type SharedConfig = z.infer<z.ZodObject<typeof sharedVariables>>

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
