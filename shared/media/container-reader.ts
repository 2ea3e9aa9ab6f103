import type { Watched } from '../process/watch.ts'
import type { HeifFound, HeifWanted } from './heif-reading.ts'
import type { Joining } from './join-track.ts'
import {
  convertWallMsMax,
  documentCpuMsMax,
  documentTextCpuMsMax,
  documentWallMsMax,
  heifCpuMsMax,
  heifWallMsMax,
  probeCpuMsMax,
  probeWallMsMax,
  readerBytesMax,
  remuxCpuMsMax,
  remuxWallMsMax,
  tagsCpuMsMax,
} from './limits.ts'
import type { PageDrawn, PageWanted, PdfFound, PdfText } from './pdf-reading.ts'
import type { ReaderRequest, ReaderResults, TagsFound } from './reader-messages.ts'
import { startReader, type Asked, type ReaderProcess } from './reader-process.ts'
import type { Tracks } from './track-probe.ts'

/**
 * Reads containers and documents in a process of its own, which begins with the first request and takes one after the other. A request for
 * which it has to be killed throws `invalid-media`, or `timed-out` past the wall time; the next one finds another process.
 */
export interface ContainerReader {
  /** Undefined when the container is not known. */
  tracks(path: string, signal: AbortSignal): Promise<Tracks | undefined>
  /** With `coverTo` the cover is written there, as it is in the file. */
  tags(path: string, options: { readonly signal: AbortSignal; readonly coverTo?: string }): Promise<TagsFound>
  /** Copies the first video and audio track into an MP4 with its index in front. */
  remux(path: string, target: string, options: RemuxOptions): Promise<void>
  /** How many frames the picture has. */
  frames(path: string, signal: AbortSignal): Promise<number>
  /** Joins the pictures of parts into one file; answers how many frames it has. See `joinTrack`. */
  join(joining: Joining, signal: AbortSignal): Promise<number>
  pdf(path: string, signal: AbortSignal): Promise<PdfFound>
  /** Draws the first page of a PDF into `target`: four bytes a pixel, the last of which means nothing. */
  pdfPage(path: string, target: string, wanted: PageWanted, signal: AbortSignal): Promise<PageDrawn>
  /** Writes the text of a PDF. */
  pdfText(path: string, target: string, signal: AbortSignal): Promise<PdfText>
  /** Decodes the main picture of a HEIF file into a TIFF. */
  heif(wanted: HeifWanted, signal: AbortSignal): Promise<HeifFound>
  close(): void
}

interface RemuxOptions {
  readonly signal: AbortSignal
  readonly onProgress?: (fraction: number) => void
}

const probingDefault: Watched = { wallMsMax: probeWallMsMax, cpuMsMax: probeCpuMsMax, memoryBytesMax: readerBytesMax }
const tagging: Watched = { ...probingDefault, cpuMsMax: tagsCpuMsMax }
const remuxing: Watched = { wallMsMax: remuxWallMsMax, cpuMsMax: remuxCpuMsMax, memoryBytesMax: readerBytesMax }
const joining: Watched = { wallMsMax: convertWallMsMax, cpuMsMax: convertWallMsMax, memoryBytesMax: readerBytesMax }

const document: Watched = { wallMsMax: documentWallMsMax, cpuMsMax: documentCpuMsMax, memoryBytesMax: readerBytesMax }
/** It breaks off by itself before that. */
const text: Watched = { ...document, cpuMsMax: documentTextCpuMsMax + documentCpuMsMax, wallMsMax: convertWallMsMax }

const heif: Watched = { wallMsMax: heifWallMsMax, cpuMsMax: heifCpuMsMax, memoryBytesMax: readerBytesMax }

/** `probing` is what looking at the tracks of a file may take. */
export function containerReader(probing: Watched = probingDefault): ContainerReader {
  let running: ReaderProcess | undefined
  let last: Promise<unknown> = Promise.resolve()
  const askNow = async <Ask extends ReaderRequest['ask']>(
    request: ReaderRequest & { readonly ask: Ask },
    asked: Asked,
  ): Promise<ReaderResults[Ask]> => {
    asked.signal.throwIfAborted()
    if (!running || running.hasEnded()) running = startReader()
    return (await running.ask(request, asked)) as ReaderResults[Ask]
  }
  const ask: typeof askNow = (request, asked) => {
    const answer = last.then(() => askNow(request, asked))
    last = answer.catch(() => undefined)
    return answer
  }
  return {
    tracks: (path, signal) => ask({ ask: 'tracks', path }, { watched: probing, signal }),
    tags: (path, { signal, ...to }) => ask({ ask: 'tags', path, ...to }, { watched: tagging, signal }),
    async remux(path, target, { signal, onProgress }) {
      await ask({ ask: 'remux', path, target }, { watched: remuxing, signal, onProgress })
    },
    async frames(path, signal) {
      return (await ask({ ask: 'frames', path }, { watched: remuxing, signal })).frames
    },
    async join(parts, signal) {
      return (await ask({ ask: 'join', ...parts }, { watched: joining, signal })).frames
    },
    pdf: (path, signal) => ask({ ask: 'pdf', path }, { watched: document, signal }),
    pdfPage: (path, target, wanted, signal) =>
      ask({ ask: 'pdf-page', path, target, ...wanted }, { watched: document, signal }),
    pdfText: (path, target, signal) => ask({ ask: 'pdf-text', path, target }, { watched: text, signal }),
    heif: (wanted, signal) => ask({ ask: 'heif', ...wanted }, { watched: heif, signal }),
    close: () => running?.close(),
  }
}
