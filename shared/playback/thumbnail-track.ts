import type { RenditionBody } from '../domain/asset.ts'
import { vttTime } from './vtt-time.ts'

/** Which part of the sprite sheet shows which part of the film: cues with media fragments (W3C), as players read them. */
export function thumbnailTrack({ properties }: RenditionBody, url: string, durationMs: number): string {
  const number = (name: string): number => Number(properties[name] ?? 0)
  const [every, columns] = [number('intervalMs'), Math.max(1, number('columns'))]
  const [width, height] = [number('tileWidth'), number('tileHeight')]
  const cues = Array.from({ length: number('count') }, (_, index) => {
    const isLast = index === number('count') - 1
    const end = isLast ? Math.max(durationMs, (index + 1) * every) : (index + 1) * every
    const place = [(index % columns) * width, Math.floor(index / columns) * height, width, height].join(',')
    return `${vttTime(index * every)} --> ${vttTime(end)}\n${url}#xywh=${place}\n`
  })
  return `WEBVTT\n\n${cues.join('\n')}`
}
