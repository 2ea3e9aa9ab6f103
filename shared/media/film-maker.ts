import { rename, rm } from 'node:fs/promises'
import type { ConvertedFile, FilmMaker, FilmPlan, JoinedFilm, Recipe } from '../ports/media-converter.ts'
import { CatamaranError } from '../domain/errors.ts'
import { containerReader, type ContainerReader } from './container-reader.ts'
import type { FfmpegRunner } from './ffmpeg.ts'
import { neededRanges } from './film-needs.ts'
import { makePart } from './film-part.ts'
import { planFilm } from './film-plan.ts'
import type { JoinedPart } from './join-track.ts'
import { toldLoudness, type SoundGain } from './loudness.ts'
import { movieOutline } from './movie-index.ts'
import { decoding } from './reasons.ts'
import { numberOption } from './recipe-options.ts'
import { glimpses, isCaptions, isTrack } from './video.ts'
import { finishTracks, isSound, rawPath } from './video-ladder.ts'
import { encodeMp4 } from './video-mp4.ts'
import type { EncodingWork } from './video-work.ts'

type Fetch = Parameters<FilmMaker['join']>[1]

/** Long films in parts: planned once, made anywhere, joined without encoding. */
export function filmMaker({
  ffmpeg,
  partPixelsMax,
}: {
  readonly ffmpeg: FfmpegRunner
  readonly partPixelsMax: number
}): FilmMaker {
  return {
    outline: (bytes, read) => movieOutline(bytes, async (range) => Buffer.from(await read(range))),
    needs: (outline, wanted, signal) => neededRanges(ffmpeg, outline, wanted, signal),
    plan: (source, inspection, signal) => planFilm(ffmpeg, source, inspection, { partPixelsMax, signal }),
    make: (source, plan, part, options) =>
      reading((reader) => makePart(source, plan, part, { ...options, ffmpeg, reader })),
    join: (plan, fetch, options) => reading((reader) => joinFilm(plan, fetch, { ...options, ffmpeg, reader })),
  }
}

async function reading<Result>(act: (reader: ContainerReader) => Promise<Result>): Promise<Result> {
  const reader = containerReader()
  try {
    return await act(reader)
  } finally {
    reader.close()
  }
}

async function joinFilm(plan: FilmPlan, fetch: Fetch, work: EncodingWork): Promise<JoinedFilm> {
  const { recipes } = plan
  const [extras, sound] = [partOf(plan, 'extras'), partOf(plan, 'sound')]
  const mp4 = recipes.find(({ name }) => name.startsWith('video-'))
  if (!mp4) throw new CatamaranError('internal', 'The plan of a film lacks its MP4.')
  const tracks = recipes.filter(isTrack)
  await joinRungs(plan, fetch, work)
  const soundRecipe = tracks.find(isSound)
  const heard = soundRecipe && (await need(fetch, sound, soundRecipe))
  if (heard) await rename(heard.path, rawPath(work, heard.recipe))
  const gain = gainOf(heard)
  const segmentMs = numberOption(mp4, 'segmentMs')
  const streamed = await finishTracks(tracks, segmentMs, { ...work, ...(gain && { gain }) })
  const made: ConvertedFile[] = []
  for (const recipe of recipes.filter((each) => each.name === 'poster' || isCaptions(each))) {
    made.push(await need(fetch, extras, recipe))
  }
  const nowhere = { path: '', mediaType: 'video/mp4', bytes: 0 }
  const copied = mp4.options.copy === true ? await fetch(extras, mp4.name) : undefined
  const whole = copied ? { ...copied, recipe: mp4 } : await encodeMp4(nowhere, mp4, streamed, work)
  const all = [...streamed, whole]
  const files = [...made, ...all, ...(await glimpses(all, recipes, work))]
  return { files, properties: toldLoudness(heard?.properties) }
}

const partOf = ({ parts }: FilmPlan, kind: 'extras' | 'sound'): number => parts.findIndex((part) => part.kind === kind)

async function need(fetch: Fetch, part: number, recipe: Recipe): Promise<ConvertedFile> {
  const file = await fetch(part, recipe.name)
  if (!file) throw new CatamaranError('internal', `A part of the film lacks ${recipe.name}.`)
  return { ...file, recipe }
}

function gainOf(heard: ConvertedFile | undefined): SoundGain | undefined {
  const { decibels, isLimited } = heard?.properties ?? {}
  return typeof decibels === 'number' ? { decibels, isLimited: isLimited === true } : undefined
}

/** One rung after the other, so that little lies on the disk. */
async function joinRungs(plan: FilmPlan, fetch: Fetch, work: EncodingWork): Promise<void> {
  const rungs = plan.recipes.filter((recipe) => isTrack(recipe) && !isSound(recipe))
  for (const rung of rungs) {
    const parts: JoinedPart[] = []
    let expected = 0
    for (const [index, part] of plan.parts.entries()) {
      if (part.kind !== 'picture') continue
      const { path, properties } = await need(fetch, index, rung)
      expected += Number(properties.frames)
      parts.push({ path, at: part.atUs / 1e6 })
    }
    const joining = { parts, target: rawPath(work, rung), segmentMs: numberOption(rung, 'segmentMs') }
    const frames = await decoding('A part of the video', work.signal, () => work.reader.join(joining, work.signal))
    if (frames !== expected) {
      throw new CatamaranError('internal', `${rung.name} was joined of ${frames} frames instead of ${expected}.`)
    }
    for (const { path } of parts) await rm(path)
  }
}
