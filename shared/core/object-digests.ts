import { CatamaranError, isCatamaranError } from '../domain/errors.ts'
import type { Services } from './services.ts'
import { digester, type Digests } from './work-file.ts'
import type { WorkTools } from './work-tools.ts'

/** Reads an object of this site from its first byte to its last; undefined when there is none. */
export async function digestsHere(services: Services, key: string, signal: AbortSignal): Promise<Digests | undefined> {
  const body = await services.objects.get(key, undefined, signal)
  return body && digestsOf(body.stream, signal)
}

/** Reads an object of the peer by a granted URL. Throws `peer-unavailable` when it cannot be read now. */
export async function digestsThere(work: WorkTools, url: string, signal: AbortSignal): Promise<Digests> {
  try {
    return await digestsOf(await openGranted(work, url, signal), signal)
  } catch (cause) {
    signal.throwIfAborted()
    if (isCatamaranError(cause)) throw cause
    throw new CatamaranError('peer-unavailable', 'An object of the peer could not be read.', { cause })
  }
}

export async function openGranted(
  work: WorkTools,
  url: string,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const response = await work.fetch(url, { headers: {}, signal })
  if (response.ok && response.body) return response.body
  await response.body?.cancel()
  throw new CatamaranError('peer-unavailable', `The peer's object store answered ${response.status}.`)
}

async function digestsOf(stream: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<Digests> {
  const digests = await digester()
  for await (const chunk of stream) {
    signal.throwIfAborted()
    digests.update(chunk)
  }
  return digests.result()
}
