import type { Services } from './services.ts'

const staged = 'uploads/'

/**
 * Removes bytes that waited to become an object. The record that names them may have come from the peer, so nothing outside
 * the staging area is ever removed, whatever it says.
 */
export async function removeStaged(services: Services, key: string): Promise<void> {
  if (key.startsWith(staged)) await services.objects.remove(key)
  else services.telemetry.log('error', 'A record names staged bytes outside the staging area; they stay', { key })
}
