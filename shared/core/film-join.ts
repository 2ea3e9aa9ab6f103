import { join } from 'node:path'
import type { JobBody, StagedFile } from '../domain/asset.ts'
import { CatamaranError, hasCode } from '../domain/errors.ts'
import type { ConvertedFile, JoinedFilm } from '../ports/media-converter.ts'
import { orderParts, type Film } from './film-parts.ts'
import { keepRenditions } from './keep-rendition.ts'
import type { Lease } from './lease.ts'
import { writeMediaOf } from './media-store.ts'
import type { Services } from './services.ts'
import { streamToFile } from './work-file.ts'
import type { WorkTools } from './work-tools.ts'

interface MadeFilm {
  readonly film: Film
  readonly parts: readonly (JobBody | undefined)[]
}

/** Makes the renditions of what the parts staged; false when the asset is about other bytes by now. */
export async function joinFilm(services: Services, work: WorkTools, lease: Lease, made: MadeFilm): Promise<boolean> {
  const { asset, version } = lease.job
  const folder = await work.workFolder()
  try {
    const { files, properties } = await joinFiles(services, work, lease, { ...made, folder: folder.path })
    const renditions = await keepRenditions(services, lease, files)
    lease.check()
    return await writeMediaOf(services, { tenant: lease.ref.tenant, asset, version }, (media) => ({
      ...media,
      site: services.site,
      status: 'ready',
      properties: { ...media.properties, ...properties },
      renditions,
    }))
  } finally {
    await folder.remove()
  }
}

/** Parts that do not fit together were made by converters that differ: all are made anew, by this one. */
async function joinFiles(
  services: Services,
  { converter: { film: maker } }: WorkTools,
  lease: Lease,
  { film, parts, folder }: MadeFilm & { readonly folder: string },
): Promise<JoinedFilm> {
  if (!maker) throw new CatamaranError('unavailable', 'This site cannot join a film.')
  let count = 0
  const fetch = async (index: number, name: string): Promise<ConvertedFile | undefined> => {
    const staged = parts[index]?.part?.files?.find((file) => file.name === name)
    return staged && fetchStaged(services, staged, join(folder, `part-${++count}`), lease.signal)
  }
  try {
    return await maker.join(film.plan, fetch, { workFolder: folder, signal: lease.signal })
  } catch (cause) {
    if (!hasCode(cause, 'internal')) throw cause
    await orderParts(
      services,
      lease,
      film,
      parts.map((_, index) => ({ index, anew: true })),
    )
    throw new CatamaranError('unavailable', 'The parts of a film did not fit; they are made anew.', { cause })
  }
}

async function fetchStaged(
  services: Services,
  { key, mediaType, bytes, sha256, properties, name }: StagedFile,
  path: string,
  signal: AbortSignal,
): Promise<ConvertedFile> {
  const body = await services.objects.get(key, undefined, signal)
  if (!body) throw new CatamaranError('unavailable', 'What a part of a film staged is gone.')
  const digests = await streamToFile(body.stream, path, { bytesMax: bytes, signal })
  if (digests.sha256 !== sha256) {
    throw new CatamaranError('unavailable', 'What a part of a film staged is not what it was.')
  }
  return { recipe: { name, version: 0, options: {} }, path, mediaType, bytes, properties }
}
