import { Hono } from 'hono'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { peerClient } from '../../shared/http/peer-client.ts'
import { peerRoutes } from '../../shared/http/peer-routes.ts'
import { problemResponse, publicError } from '../../shared/http/problem.ts'
import { peerTokens, peerVerifier } from '../../shared/http/peer-token.ts'
import { twoSites } from '../core/two-sites.ts'
import { peerSuite } from './peer-suite.ts'

const newKey = async (): Promise<{ secret: JWK; open: JWK }> => {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
  return { secret: await exportJWK(privateKey), open: await exportJWK(publicKey) }
}
const [aws, azure] = await Promise.all([newKey(), newKey()])

peerSuite('in one process', () => {
  const sites = twoSites()
  return { sites, peer: sites.aws.services.peer }
})

peerSuite('over HTTP', () => {
  const sites = twoSites()
  const nowMs = () => sites.clock.now()
  const verify = peerVerifier({ site: 'azure', privateKey: azure.secret, peerKeys: { keys: [aws.open] } }, nowMs)
  const api = new Hono().route('/peer/v1', peerRoutes(sites.azure.services, verify))
  api.onError((error) => problemResponse(publicError(error), '/peer'))
  const reach = (async (url: string, init?: RequestInit) => {
    if (!sites.connected) throw new TypeError('fetch failed')
    return api.request(url, init)
  }) as typeof fetch
  const token = peerTokens({ site: 'aws', privateKey: aws.secret, peerKeys: { keys: [azure.open] } }, nowMs)
  return { sites, peer: peerClient({ url: 'http://azure.test', token, fetch: reach }) }
})
