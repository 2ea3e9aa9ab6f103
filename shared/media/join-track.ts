import {
  EncodedPacketSink,
  EncodedVideoPacketSource,
  FilePathTarget,
  Mp4OutputFormat,
  Output,
  type VideoCodec,
} from 'mediabunny'
import { CatamaranError } from '../domain/errors.ts'
import { earlyShare } from './cmaf.ts'
import { invalidMedia } from './reasons.ts'
import { openInput } from './track-probe.ts'

/** How many frames the picture of a file has. */
export async function countFrames(path: string): Promise<number> {
  using input = openInput(path)
  const track = await input.getPrimaryVideoTrack()
  if (!track) return 0
  let frames = 0
  for await (const _ of new EncodedPacketSink(track).packets(undefined, undefined, { metadataOnly: true })) frames++
  return frames
}

export interface JoinedPart {
  readonly path: string
  /** When its first frame is shown in the whole, in seconds. */
  readonly at: number
}

export interface Joining {
  readonly parts: readonly JoinedPart[]
  readonly target: string
  readonly segmentMs: number
}

/**
 * Writes the pictures of all parts one after the other into one file of fragments, as they are. Decoding times are made anew,
 * since each part counts them from its own first frames. Answers how many frames there are. Throws `internal` for parts of
 * encoders that differ, which could not be played as one.
 */
export async function joinTrack({ parts, target, segmentMs }: Joining): Promise<number> {
  const output = new Output({
    // A segment of several fragments is not read whole by some builds of ffmpeg: the short end of a part goes with the next.
    format: new Mp4OutputFormat({ fastStart: 'fragmented', minimumFragmentDuration: (segmentMs * earlyShare) / 1000 }),
    target: new FilePathTarget(target),
  })
  const source = new EncodedVideoPacketSource(await codecOf(parts[0]))
  output.addVideoTrack(source)
  await output.start()
  const joined: Joined = { frames: 0, description: undefined }
  for (const part of parts) await appendPart(part, source, joined)
  await output.finalize()
  return joined.frames
}

async function codecOf(part: JoinedPart | undefined): Promise<VideoCodec> {
  if (!part) throw new CatamaranError('internal', 'A film has no part.')
  using input = openInput(part.path)
  const codec = (await input.getPrimaryVideoTrack())?.codec
  if (!codec) throw invalidMedia('The video has no frame that can be decoded')
  return codec
}

interface Joined {
  frames: number
  /** Of the decoder. */
  description: Buffer | undefined
}

async function appendPart({ path, at }: JoinedPart, source: EncodedVideoPacketSource, joined: Joined): Promise<void> {
  using input = openInput(path)
  const track = await input.getPrimaryVideoTrack()
  const decoderConfig = await track?.getDecoderConfig()
  // AV1 says in its frames what the others say beside them.
  const isDescribed = decoderConfig?.description !== undefined || track?.codec === 'av1'
  if (!track || !decoderConfig || !isDescribed) throw invalidMedia('The video has no frame that can be decoded')
  const description = bytesOf(decoderConfig.description ?? Buffer.from(decoderConfig.codec))
  joined.description ??= description
  if (!joined.description.equals(description)) {
    throw new CatamaranError('internal', 'Parts of a film were made by encoders that differ.')
  }
  for await (const packet of new EncodedPacketSink(track).packets()) {
    const meta = joined.frames++ === 0 ? { decoderConfig } : undefined
    await source.add(packet.clone({ timestamp: packet.timestamp + at }), meta)
  }
}

const bytesOf = (data: ArrayBufferLike | ArrayBufferView): Buffer =>
  ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data)
