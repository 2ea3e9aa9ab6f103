import { derivedId } from '../domain/hash.ts'
import type { Services } from './services.ts'

const staged = 'uploads/'
const pageItems = 100

/** Where the parts of a film wait until they are joined, in a folder of each version. */
export const filmFolder = (tenant: string, asset: string, version: string): string =>
  `${staged}${tenant}/${asset}/film-${derivedId('film', version)}/`

/** Where what an export has read waits for the run that goes on. */
export const exportFolder = (tenant: string, id: string): string => `${staged}${tenant}/export-${id}/rows-`

/** Removes all that waits in a folder of the staging area. */
export async function removeStagedUnder(services: Services, folder: string): Promise<void> {
  for (let after: string | undefined; ; ) {
    const page = await services.objects.list(folder, { after, limit: pageItems })
    for (const { key } of page.items) await removeStaged(services, key)
    if (page.next === undefined) return
    after = page.next
  }
}

/**
 * Removes bytes that waited to become an object. The record that names them may have come from the peer, so nothing outside
 * the staging area is ever removed, whatever it says.
 */
export async function removeStaged(services: Services, key: string): Promise<void> {
  if (key.startsWith(staged)) await services.objects.remove(key)
  else services.telemetry.log('error', 'A record names staged bytes outside the staging area; they stay', { key })
}

/** The same at the word of a record of the peer: what waits for another asset, or another tenant, stays whatever it says. */
export async function removeStagedOf(
  services: Services,
  { tenant, asset }: { readonly tenant: string; readonly asset: string },
  key: string,
): Promise<void> {
  if (key.startsWith(`${staged}${tenant}/${asset}/`)) return removeStaged(services, key)
  services.telemetry.log('error', 'A record names staged bytes of another asset; they stay', { key })
}
