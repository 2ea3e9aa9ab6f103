import { type FileHandle, open } from 'node:fs/promises'
import type { AssetView } from '../../shared/core/asset-view.ts'
import type { UploadPlan } from '../../shared/core/uploads.ts'
import type { PresignedRequest } from '../../shared/ports/object-store.ts'
import { type Api, Unexpected } from './api.ts'

/** An asset as the API shows it. */
export type Asset = Omit<AssetView, 'createdMs' | 'updatedMs'>

export interface NewAsset {
  readonly id: string
  readonly name: string
  readonly mediaType: string
  readonly bytes: number
  readonly sha256?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly upload: 'single' | 'multipart'
}

const partsAtOnceMax = 3
const partTimeoutMs = 120_000

/** Names an asset, brings its bytes straight to the store, and says that they are there. */
export async function uploadFile(api: Api, asset: NewAsset, path: string): Promise<Asset> {
  const options = { json: asset, headers: { 'idempotency-key': `create-${asset.id}` }, status: [200, 201] }
  const { body } = await api.call<{ asset: Asset; upload: UploadPlan }>('POST', '/v1/assets', options)
  return sendAndComplete(api, asset.id, body.upload, path)
}

/** Goes on with an upload that was begun: sends what has not arrived, and says that all is there. */
export async function continueUpload(api: Api, id: string, path: string): Promise<Asset> {
  return sendAndComplete(api, id, await api.get<UploadPlan>(`/v1/assets/${id}/upload`), path)
}

async function sendAndComplete(api: Api, id: string, plan: UploadPlan, path: string): Promise<Asset> {
  const file = await open(path)
  try {
    await sendBytes(api, id, plan, file)
  } finally {
    await file.close()
  }
  return (await api.call<Asset>('POST', `/v1/assets/${id}/complete`, { status: [200, 202] })).body
}

async function sendBytes(api: Api, id: string, plan: UploadPlan, file: FileHandle): Promise<void> {
  if (plan.kind === 'done') return
  if (plan.kind === 'single') {
    await putBytes(plan.request, await file.readFile())
    return
  }
  if (plan.requests.length === 0) return
  await forEach(plan.requests, partsAtOnceMax, async ({ part, request }) => {
    await putBytes(request, await partOf(file, part, plan.partBytes))
  })
  // The plan signs some of the missing parts at a time.
  await sendBytes(api, id, await api.get<UploadPlan>(`/v1/assets/${id}/upload`), file)
}

/** A Blob of the file would hold less: node counts its bytes in 32 bits. */
async function partOf(file: FileHandle, part: number, partBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(partBytes), 0, partBytes, (part - 1) * partBytes)
  return buffer.subarray(0, bytesRead)
}

/** Sends bytes to the store as a signed request asks. */
export async function putBytes(request: PresignedRequest, content: Uint8Array<ArrayBuffer>): Promise<void> {
  const { method, url, headers } = request
  const response = await fetch(url, { method, headers, body: content, signal: AbortSignal.timeout(partTimeoutMs) })
  const text = await response.text()
  if (!response.ok)
    throw new Unexpected('an upload to the store', '200 or 201', `${response.status} ${text.slice(0, 400)}`)
}

/** Runs `act` on every item, at most `atOnce` at a time. */
export async function forEach<Item>(
  items: readonly Item[],
  atOnce: number,
  act: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items.values()
  const worker = async (): Promise<void> => {
    for (const item of queue) await act(item)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
}
