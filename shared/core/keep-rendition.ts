import { objectKeyOf, type Failure, type RenditionBody } from '../domain/asset.ts'
import { CatamaranError, isCatamaranError, isTransient, publicMessageOf } from '../domain/errors.ts'
import type { ConvertedFile } from '../ports/media-converter.ts'
import type { Lease } from './lease.ts'
import type { Services } from './services.ts'
import { digestsOfFile, fileStream } from './work-file.ts'

/** Makes objects of what was converted; the answer names them, in order of their names. */
export async function keepRenditions(
  services: Services,
  lease: Lease,
  files: readonly ConvertedFile[],
): Promise<RenditionBody[]> {
  const renditions: RenditionBody[] = []
  for (const file of files) renditions.push(await keepRendition(services, lease, file))
  return renditions.sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function keepRendition(services: Services, lease: Lease, file: ConvertedFile): Promise<RenditionBody> {
  const { bytes, sha256, crc64nvme } = await digestsOfFile(file.path, lease.signal)
  if (bytes === 0) throw new CatamaranError('internal', `The recipe ${file.recipe.name} made an empty file.`)
  const objectKey = objectKeyOf(lease.ref.tenant, lease.job.asset, sha256)
  lease.check()
  await services.objects.put(objectKey, fileStream(file.path), {
    mediaType: file.mediaType,
    metadata: { sha256, crc64nvme },
    bytes,
    ifAbsent: true,
    signal: lease.signal,
  })
  const { recipe, mediaType, properties, segments } = file
  const { name, version } = recipe
  const rendition = { name, version, objectKey, mediaType, bytes, sha256, crc64nvme, properties }
  return segments ? { ...rendition, segments } : rendition
}

/** A fault of the input is an outcome; everything else stays an exception. */
export async function asOutcome<Value>(
  { telemetry }: Services,
  act: () => Promise<Value>,
): Promise<{ value: Value } | { failure: Failure }> {
  try {
    return { value: await act() }
  } catch (error) {
    if (!isCatamaranError(error) || isTransient(error) || error.code === 'conflict') throw error
    const detail = publicMessageOf(error)
    if (detail !== error.message) telemetry.log('warn', 'An asset was refused by a store', {}, error)
    return { failure: { code: error.code, detail } }
  }
}
