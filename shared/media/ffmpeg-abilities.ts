import type { FfmpegRunner } from './ffmpeg.ts'

const askedMsMax = 10_000
type List = 'filters' | 'encoders'
const known = new WeakMap<FfmpegRunner, Map<List, Promise<ReadonlySet<string>>>>()

/** Whether this build of ffmpeg has the filters that tone mapping needs. */
export async function canToneMap(ffmpeg: FfmpegRunner): Promise<boolean> {
  const filters = await listOf(ffmpeg, 'filters')
  return filters.has('zscale') && filters.has('tonemap')
}

export const canEncode = async (ffmpeg: FfmpegRunner, encoder: string): Promise<boolean> =>
  (await listOf(ffmpeg, 'encoders')).has(encoder)

/** Asked once of each build. */
function listOf(ffmpeg: FfmpegRunner, list: List): Promise<ReadonlySet<string>> {
  const lists = known.get(ffmpeg) ?? new Map<List, Promise<ReadonlySet<string>>>()
  known.set(ffmpeg, lists)
  const asked = lists.get(list) ?? ask(ffmpeg, list)
  lists.set(list, asked)
  // A build that could not answer is asked again.
  asked.catch(() => lists.delete(list))
  return asked
}

async function ask(ffmpeg: FfmpegRunner, list: List): Promise<ReadonlySet<string>> {
  let text = ''
  await ffmpeg.run([`-${list}`], {
    signal: new AbortController().signal,
    wallMsMax: askedMsMax,
    onOutput: (chunk) => void (text += chunk.toString('latin1')),
  })
  return new Set([...text.matchAll(/^ [A-Z.]{2,6} ([\w-]+) /gm)].map(([, name = '']) => name))
}
