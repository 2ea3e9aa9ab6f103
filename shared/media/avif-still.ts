import { copyFile, open } from 'node:fs/promises'
import { readPart, withFile } from './file-parts.ts'

const brandAt = 8

/**
 * An AVIF as libvips opens it: by the brand of sequences, which encoders of animations put first, it knows none, though the picture
 * is where that of a still one is. Returns `path`, or `target` with a copy that begins with the other brand.
 */
export async function asStillAvif(path: string, target: string): Promise<string> {
  const head = await withFile(path, (file) => readPart(file, 0, brandAt + 4))
  if (head.toString('latin1', 4) !== 'ftypavis') return path
  await copyFile(path, target)
  const copy = await open(target, 'r+')
  try {
    await copy.write('avif', brandAt, 'latin1')
  } finally {
    await copy.close()
  }
  return target
}
