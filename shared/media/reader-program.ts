/**
 * The process that reads containers, documents and HEIC which strangers wrote. Asked and answering by lines of JSON: see `reader-messages.ts`. It
 * ends when its input does; its owner kills it for what cannot be broken off from within.
 */
import { writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { errorCode } from '../data/error-code.ts'
import { isCatamaranError } from '../domain/errors.ts'
import { readHeif } from './heif-reading.ts'
import { countFrames, joinTrack } from './join-track.ts'
import type { ReaderAnswer, ReaderRequest, ReaderResults } from './reader-messages.ts'
import { aboutPdf, drawFirstPage, writeText } from './pdf-reading.ts'
import { remuxToMp4 } from './remux.ts'
import { readTags } from './tags.ts'
import { probeTracks } from './track-probe.ts'

const progressStep = 0.01

const say = (answer: ReaderAnswer): void => void process.stdout.write(`${JSON.stringify(answer)}\n`)

async function resultOf(request: ReaderRequest): Promise<ReaderResults[ReaderRequest['ask']]> {
  switch (request.ask) {
    case 'tracks':
      return probeTracks(request.path)
    case 'tags': {
      const { shown, cover } = await readTags(request.path)
      if (cover && request.coverTo !== undefined) await writeFile(request.coverTo, cover)
      return { shown, hasCover: cover !== undefined }
    }
    case 'remux':
      return remux(request.path, request.target)
    case 'frames':
      return { frames: await countFrames(request.path) }
    case 'join':
      return { frames: await joinTrack(request) }
    case 'pdf':
      return aboutPdf(request.path)
    case 'pdf-page':
      return drawFirstPage(request.path, request, request.target)
    case 'pdf-text':
      return writeText(request.path, request.target)
    case 'heif':
      return readHeif(request)
  }
}

async function remux(path: string, target: string): Promise<undefined> {
  let said = 0
  await remuxToMp4(path, target, (fraction) => {
    if (fraction < said + progressStep) return
    said = fraction
    say({ kind: 'progress', fraction })
  })
  return undefined
}

async function answer(line: string): Promise<void> {
  try {
    const value = await resultOf(JSON.parse(line) as ReaderRequest)
    say({ kind: 'result', ...(value && { value }) })
  } catch (error) {
    const isOurs = isCatamaranError(error)
    const message = error instanceof Error ? error.message : String(error)
    say({ kind: 'failure', isOurs, code: isOurs ? error.code : String(errorCode(error) ?? ''), message })
  }
}

let last = Promise.resolve()
createInterface({ input: process.stdin }).on('line', (line) => {
  last = last.then(() => answer(line))
})
say({ kind: 'ready' })
