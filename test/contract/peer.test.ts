import { Hono } from 'hono'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { heldToken } from '../../shared/http/held-token.ts'
import { peerClient } from '../../shared/http/peer-client.ts'
import { peerRoutes } from '../../shared/http/peer-routes.ts'
import { problemResponse, publicError } from '../../shared/http/problem.ts'
import { ownKeyCredentials, ownKeyVerifier } from '../../shared/http/peer-token.ts'
import { twoSites } from '../core/two-sites.ts'
import { peerSuite } from './peer-suite.ts'

const newKey = async (): Promise<{ secret: JWK; open: JWK }> => {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
  return { secret: await exportJWK(privateKey), open: await exportJWK(publicKey) }
}
const aws = await newKey()

peerSuite('in one process', () => {
  const sites = twoSites()
  return { sites, peer: sites.aws.services.peer }
})

peerSuite('over HTTP', () => {
  const sites = twoSites()
  const nowMs = () => sites.clock.now()
  const verify = ownKeyVerifier({ site: 'azure', peerKeys: { keys: [aws.open] } }, nowMs)
  const api = new Hono().route('/peer/v1', peerRoutes(sites.azure.services, verify))
  api.onError((error) => problemResponse(publicError(error), '/peer'))
  const reach = (async (url: string, init?: RequestInit) => {
    if (!sites.connected) throw new TypeError('fetch failed')
    return api.request(url, init)
  }) as typeof fetch
  const token = heldToken(ownKeyCredentials({ site: 'aws', privateKey: aws.secret }, nowMs), nowMs)
  return { sites, peer: peerClient({ url: 'http://azure.test', token, fetch: reach }) }
})
