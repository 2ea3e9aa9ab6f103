import { open, readFile } from 'node:fs/promises'
import { detectEncoding } from '../data/encoding.ts'
import type { ConvertedFile, Inspection, Recipe } from '../ports/media-converter.ts'
import { convertSubtitles, endOf } from './captions.ts'
import { sniffBytes } from './limits.ts'
import { parseCues, subtitleBytesMax } from './subtitles.ts'

/** A file of subtitles, which becomes WebVTT. One without a cue, or larger than any film needs, is stored as it is. */
export async function inspectSubtitles(path: string, mediaType: string, bytes: number): Promise<Inspection> {
  const cues = bytes > subtitleBytesMax ? [] : parseCues(await subtitleText(path))
  const recipes: Recipe[] = cues.length > 0 ? [{ name: 'captions', version: 1, options: {} }] : []
  return { mediaType, kind: 'document', properties: { cues: cues.length, durationMs: endOf(cues) }, recipes }
}

export async function convertSubtitleFile(
  path: string,
  recipes: readonly Recipe[],
  work: { readonly workFolder: string; readonly signal: AbortSignal },
): Promise<ConvertedFile[]> {
  const text = recipes.length > 0 ? await subtitleText(path) : ''
  return Promise.all(recipes.map((recipe) => convertSubtitles(recipe, text, work)))
}

async function subtitleText(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    const head = Buffer.alloc(sniffBytes)
    const { bytesRead } = await file.read(head, 0, sniffBytes, 0)
    const encoding = detectEncoding(head.subarray(0, bytesRead)) ?? 'utf-8'
    return new TextDecoder(encoding).decode(await readFile(path))
  } finally {
    await file.close()
  }
}
