import type { Mutation } from './mutation.ts'

const mistake = (name: string, file: string, find: string, replace: string): Mutation => ({
  name,
  cloud: 'azure',
  file: `azure/infra/${file}`,
  find,
  replace,
})
const gateway = 'modules/gateway.bicep'
const policy = (name: string): string => `policies/${name}.xml`

/** Mistakes in what API Management does before the app, and says in its place. */
export const azureGatewayMutations: readonly Mutation[] = [
  mistake(
    'a policy that the tier lacks',
    gateway,
    "tier == 'Consumption' ? '' : loadTextContent('../policies/rate.xml')",
    "loadTextContent('../policies/rate.xml')",
  ),
  mistake(
    'refusals that no page can read',
    policy('refusal'),
    '<set-header name="Access-Control-Allow-Origin" exists-action="override"><value>*</value></set-header>',
    '',
  ),
  mistake('a problem of another name', 'policies/refusals.json', '"code": "throttled"', '"code": "slow-down"'),
  mistake('bodies of any size', policy('api'), '<!-- too large -->', ''),
  mistake('preflights after the limits', policy('api'), '&quot;OPTIONS&quot;', '&quot;GET&quot;'),
  mistake('a header that pages may not send', policy('api'), 'Idempotency-Key, ', ''),
  mistake('a method that pages may not use', policy('api'), 'PATCH, ', ''),
  mistake('pages of any origin', policy('api'), '&quot;ORIGINS&quot;.Split', '&quot;*&quot;.Split'),
  mistake('a policy that is no XML', policy('peer'), '  <outbound>', '  <outbond>'),
  mistake('tokens for anybody', policy('audience'), '<audience>RECEIVER</audience>', '<audience>*</audience>'),
  mistake('tokens of any issuer', policy('client'), '<issuer>ISSUER</issuer>', '<issuer>https://example.com</issuer>'),
  mistake('tokens without a signature', policy('token'), 'signed-tokens="true"', 'signed-tokens="false"'),
  mistake('a service whose tokens nobody looks at', gateway, "join(filled, '')", 'filled[0]'),
]
