import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SignatureV4 } from '@smithy/signature-v4'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { tokenOf } from '../../shared/http/token-life.ts'
import type { PeerCredentials } from '../../shared/ports/peer-credentials.ts'

export interface StsOptions {
  /** Any client of this site: its credentials and its hash sign the call. */
  readonly client: Pick<DynamoDBClient, 'config'>
  readonly audience: string
  /** The service has no global endpoint for this call; that of the client's region when absent. */
  readonly endpoint?: string
}

const lifeSeconds = 900
const callMsMax = 3_000

/**
 * Tokens in which AWS vouches for this function's role: STS GetWebIdentityToken, signed by hand, since the whole client would
 * be a tenth of the bundle for one call.
 */
export const stsCredentials = ({ client, audience, endpoint }: StsOptions): PeerCredentials => ({
  token: async () => {
    const region = await client.config.region()
    const url = new URL(endpoint ?? `https://sts.${region}.amazonaws.com`)
    const { credentials, sha256 } = client.config
    const signer = new SignatureV4({ credentials, region, service: 'sts', sha256 })
    const body = new URLSearchParams({
      Action: 'GetWebIdentityToken',
      Version: '2011-06-15',
      'Audience.member.1': audience,
      DurationSeconds: String(lifeSeconds),
      SigningAlgorithm: 'RS256',
    }).toString()
    const { headers } = await signer.sign({
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port === '' ? {} : { port: Number(url.port) }),
      path: '/',
      query: {},
      headers: { host: url.host, 'content-type': 'application/x-www-form-urlencoded' },
      body,
    })
    return tokenOf(tokenIn(await answerOf(url, headers, body)))
  },
})

async function answerOf(url: URL, headers: Readonly<Record<string, string>>, body: string): Promise<string> {
  try {
    const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(callMsMax) })
    const text = await response.text()
    if (!response.ok) throw new Error(`STS answered ${response.status} ${text.slice(0, 300)}`)
    return text
  } catch (cause) {
    throw new CatamaranError('unavailable', 'AWS gives no token for calls to the peer site now.', { cause })
  }
}

/** A JSON web token holds nothing that XML would escape. */
function tokenIn(xml: string): string {
  const token = /<WebIdentityToken>\s*([\w.-]+)\s*<\/WebIdentityToken>/.exec(xml)?.[1]
  if (token === undefined) throw new CatamaranError('unavailable', 'The answer of STS holds no token.')
  return token
}
