import { peerOf, type Site } from '../../shared/domain/site.ts'
import type { World } from './world.ts'

type Fetch = (url: string, init: { readonly headers: Record<string, string> }) => Promise<Response>

/** Reads from the peer's store by a granted URL, for the core or for this site's own store; bytes may come damaged. */
export function peerFetch(world: World, site: Site): Fetch {
  return async (url, { headers }) => {
    await world.scheduler.delay(5, `${site} fetch`)
    const peer = world.sites[peerOf(site)]
    if (world.link.isCut(site, peerOf(site)) || !peer.isUp) throw new TypeError('fetch failed')
    const response = await peer.objects.fetch(url, { headers })
    if (!world.faultsOn() || !world.streams.faults.oneIn(world.profile.corruption)) return response
    return damaged(world, response)
  }
}

async function damaged({ mark, streams }: World, response: Response): Promise<Response> {
  const bytes = new Uint8Array(await response.arrayBuffer())
  const { status, headers } = response
  if (bytes.length === 0) return new Response(null, { status, headers })
  if (streams.faults.oneIn(3)) {
    mark('object broke off on the way')
    return new Response(bytes.subarray(0, streams.faults.pick(bytes.length)), { status, headers })
  }
  mark('object corrupted on the way')
  const at = streams.faults.pick(bytes.length)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return new Response(bytes, { status, headers })
}
