import { describe, expect, test } from '@jest/globals'
import { readTraceLines } from '../../../local/traces/read.ts'
import { treeLines } from '../../../local/traces/tree.ts'
import { until } from '../../../local/tour/until.ts'
import type { Asset } from '../../../local/tour/upload.ts'
import { untilReadyAtBoth } from '../assets-tools.ts'
import { type Pair, peerSite, sites, unique } from '../pair.ts'

export function tracesSuite(pair: () => Pair): void {
  describe.each(sites)('a trace that begins at %s', (site) => {
    test('shows the upload becoming ready, with its bytes, at the other site', async () => {
      const { apis, clouds } = pair()
      const trace = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex')
      const { body } = await apis[site].call<{ asset: Asset }>('POST', `/v1/assets?name=${unique('traced')}.txt`, {
        content: `${trace}\n`.repeat(100),
        headers: { 'content-type': 'text/plain', traceparent: `00-${trace}-00f067aa0ba902b7-01` },
        status: 202,
      })
      await untilReadyAtBoth(pair(), body.asset.id, 60_000)
      const files = sites.map((each) => clouds.logPath(`${each}-host`))
      const whole = await until('the whole trace', async () => {
        const lines = await readTraceLines(files, trace)
        const told = (where: string, message: string): boolean =>
          lines.some((line) => line.cloud === where && line.message === message)
        const isWhole = told(site, 'request') && told(site, 'A run ended') && told(peerSite(site), 'An object is here')
        return isWhole && lines
      })
      const tree = treeLines(whole).join('\n')
      expect(tree).toMatch(new RegExp(`${site} http +request`))
      expect(tree).toMatch(new RegExp(`${site} job +A run ended`))
      expect(tree).toMatch(new RegExp(`${peerSite(site)} job +An object is here`))
    })
  })
}
