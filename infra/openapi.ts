import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { apiDocument } from './api-document.ts'

/**
 * Writes `dist/openapi.json`, which API Management imports: the document that the API serves, but without its servers, for
 * the template says where calls are passed on to.
 */
export async function writeOpenApi(root: string): Promise<void> {
  const { servers: _, ...document } = await apiDocument()
  await mkdir(join(root, 'dist'), { recursive: true })
  await writeFile(join(root, 'dist/openapi.json'), `${JSON.stringify(document)}\n`)
}
