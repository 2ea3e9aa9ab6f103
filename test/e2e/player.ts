import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from '@jest/globals'
import type { Site } from '../../shared/domain/site.ts'
import { findFfmpeg } from '../../shared/media/ffmpeg-path.ts'
import { type Pair, unique } from './pair.ts'

const program = findFfmpeg({ searchPath: process.env['PATH'] }) ?? ''

/** Runs ffmpeg and gives what it wrote to its output. Throws at its first complaint. */
export async function ffmpeg(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, ['-nostdin', '-loglevel', 'error', '-xerror', ...args])
  return stdout
}

/** The addresses that a site gives to players of an asset. */
export const playbackOf = ({ apis }: Pair, site: Site, id: string): Promise<{ hls: string; dash: string }> =>
  apis[site].get(`/v1/assets/${id}/playback`)

export async function textAt(url: string, mediaType = /./): Promise<string> {
  const answer = await fetch(url)
  expect([url, answer.status]).toEqual([url, 200])
  expect(answer.headers.get('content-type')).toMatch(mediaType)
  return answer.text()
}

/** The playlists that the playlist of a film names. */
export interface Master {
  /** The rungs, beginning with the one that a player is to begin with. */
  readonly pictures: readonly string[]
  readonly sound: string
}

export async function masterAt(hls: string): Promise<Master> {
  const master = await textAt(hls)
  const urlOf = (name = ''): string => new URL(name, hls).href
  return {
    pictures: [...master.matchAll(/^[^#\n].*\.m3u8$/gm)].map(([name]) => urlOf(name)),
    sound: urlOf(/TYPE=AUDIO,.*URI="(.+?)"/.exec(master)?.[1]),
  }
}

/** Fetches the header and every segment of a playlist from the site's edge as a player does, and writes them one after the other. */
export async function fetched(pair: Pair, site: Site, playlist: string): Promise<{ path: string; segments: number }> {
  const text = await textAt(playlist)
  const [, map = '', header = ''] = /#EXT-X-MAP:URI="(.+?)",BYTERANGE="(\d+)@0"/.exec(text) ?? []
  const segments = [...text.matchAll(/#EXT-X-BYTERANGE:(\d+)@(\d+)\n(.+)/g)]
  const parts = [await bytesAt(map, 0, Number(header))]
  for (const [, bytes, at, url = ''] of segments) {
    expect(url.startsWith(`${pair.clouds.urls[site].edge}/`)).toBe(true)
    parts.push(await bytesAt(new URL(url, playlist).href, Number(at), Number(bytes)))
  }
  const path = join(pair.folder, `${unique('played')}.mp4`)
  await writeFile(path, Buffer.concat(parts))
  return { path, segments: segments.length }
}

async function bytesAt(url: string, at: number, bytes: number): Promise<Uint8Array> {
  const answer = await fetch(url, { headers: { range: `bytes=${at}-${at + bytes - 1}` } })
  const body = await answer.bytes()
  expect([answer.status, body.length]).toEqual([206, bytes])
  expect(answer.headers.get('content-type')).toMatch(/^(video|audio)\/mp4/)
  return body
}

/** When each frame of a file is shown, in frames from the first, once all of them are decoded without a complaint. */
export async function frameTimes(path: string): Promise<number[]> {
  const lines = await ffmpeg('-i', path, '-map', '0:v', '-vsync', 'passthrough', '-f', 'framecrc', '-')
  const times = [...lines.matchAll(/^0, *-?\d+, *(-?\d+),/gm)].map(([, time]) => Number(time))
  return times.map((time) => time - (times[0] ?? 0))
}

/** How long the sound of a file is, decoded. */
export async function secondsOf(path: string): Promise<number> {
  const progress = await ffmpeg('-i', path, '-map', '0:a', '-f', 'null', '-progress', 'pipe:1', '/dev/null')
  return Number([...progress.matchAll(/out_time_ms=(\d+)/g)].at(-1)?.[1]) / 1e6
}
