import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { findFfmpeg } from '../../shared/media/ffmpeg-path.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const media = join(root, 'shared/media')
const text = readdirSync(media)
  .map((name) => readFileSync(join(media, name), 'utf8'))
  .join('\n')
const built = JSON.parse(readFileSync(join(root, 'scripts/ffmpeg/components.json'), 'utf8')) as Record<string, string[]>
const found = (pattern: RegExp): string[] => [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))]
const lacking = (kind: string, names: readonly string[]): string[] =>
  names.filter((name) => !built[kind]?.includes(name))

describe('the ffmpeg that is built has what the converter asks of it', () => {
  /** What the converter asks of a program first, and does without. */
  const optional = ['libaom', 'libx265']

  test('formats that it opens', () => {
    const input = readFileSync(join(media, 'ffmpeg-input.ts'), 'utf8')
    const named = [...input.matchAll(/^ {2}'[a-z]+\/[\w.-]+': '(\w+)',$/gm)].map(([, name = '']) => name)
    const names = [...new Set(named)].map((name) => (name === 'mpeg' ? 'mpegps' : name))
    expect(names.length).toBeGreaterThan(10)
    expect(lacking('demuxer', names)).toEqual([])
  })

  test('formats that it writes', () => {
    const names = found(/-f (\w+)(?= (?:pipe|-y)|')/g).map((name) => (name === 's16le' ? 'pcm_s16le' : name))
    expect(names).toEqual(expect.arrayContaining(['mp4', 'framecrc', 'mjpeg']))
    expect(lacking('muxer', names)).toEqual([])
  })

  test('encoders', () => {
    const names = found(/-c:[avs] (\w+)/g).filter((name) => name !== 'copy' && !optional.includes(name))
    expect(names).toEqual(expect.arrayContaining(['aac', 'libx264', 'libopus', 'webvtt']))
    expect(lacking('encoder', names)).toEqual([])
  })

  test('filters', () => {
    const listed = execFileSync(findFfmpeg({ searchPath: process.env.PATH }) ?? '', ['-hide_banner', '-filters'])
    const all = [...listed.toString('latin1').matchAll(/^ [A-Z.]{3} (\w+) /gm)].map(([, name = '']) => name)
    expect(all).toContain('ebur128')
    const names = all.filter(
      (name) => new RegExp(`[\\[\\]}'\`, ;]${name}=[^=>]`).test(text) && !optional.includes(name),
    )
    expect(names).toEqual(expect.arrayContaining(['scale', 'thumbnail', 'ebur128', 'concat', 'zscale', 'tonemap']))
    expect(lacking('filter', names)).toEqual([])
  })

  test('no network, and nothing that lists files', () => {
    expect(built.protocol).toEqual(['file', 'pipe'])
    expect(built.demuxer?.filter((name) => ['hls', 'dash', 'concat', 'image2'].includes(name))).toEqual([])
  })
})
