import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { flags } from '../../shared/media/flags.ts'
import type { Picture } from './landscape.ts'

const seconds = 6
const framesPerSecond = 24

/**
 * A camera's 1080p film: a slow tilt over the landscape with grain, a chord that swells, H.264 and AAC at a high rate
 * and the index at the end, as cameras write it.
 */
export async function writeClip(ffmpeg: string, { data, width, height }: Picture, path: string): Promise<void> {
  const raw = `${path}.rgb`
  await writeFile(raw, data)
  const travel = height - 1080
  const tilt = `crop=1920:1080:x='${(width - 1920) / 2}*(1+sin(t/2))':y='${travel}*(0.65-0.35*cos(t/${seconds}*3.14159))'`
  const chord = [196, 246.94, 293.66]
    .map((hertz, index) => `0.1*sin(2*PI*${hertz}*t)*(0.6+0.4*sin(t*${1 + index}))`)
    .join('+')
  try {
    await promisify(execFile)(ffmpeg, [
      ...flags('-hide_banner -nostdin -loglevel error -y'),
      ...flags(`-f rawvideo -pixel_format rgb24 -video_size ${width}x${height}`),
      ...flags(`-framerate ${framesPerSecond} -i`),
      `file:${raw}`,
      ...flags(`-f lavfi -i aevalsrc=${chord}|${chord}:s=48000:d=${seconds}`),
      ...flags(`-filter_complex [0:v]format=yuv420p,loop=loop=-1:size=1,setpts=N/${framesPerSecond}/TB,${tilt}[v]`),
      ...flags(`-map [v] -map 1:a -t ${seconds}`),
      ...flags('-c:v libx264 -preset ultrafast -g 12 -pix_fmt yuv420p -b:v 14M -maxrate 16M -bufsize 16M'),
      ...flags('-c:a aac -b:a 160k -map_metadata -1 -fflags +bitexact -f mp4'),
      `file:${path}`,
    ])
  } finally {
    await rm(raw, { force: true })
  }
}
