import {
  ADTS,
  FilePathSource,
  FLAC,
  Input,
  Logging,
  LogLevel,
  MATROSKA,
  MP3,
  MP4,
  MPEG_TS,
  OGG,
  QTFF,
  WAVE,
  WEBM,
  type InputAudioTrack,
  type InputVideoTrack,
} from 'mediabunny'

// What the reader finds odd in a stranger's file is no event of ours.
Logging.level = LogLevel.Silent

/** Playlists are left out on purpose: they would make the reader open other files and URLs. */
const inputFormats = [MP4, QTFF, MATROSKA, WEBM, WAVE, MP3, OGG, FLAC, ADTS, MPEG_TS]

export interface VideoTrack {
  readonly codec: string
  /** RFC 6381, such as `avc1.640028`; empty when unknown. */
  readonly codecString: string
  /** As displayed: pixel shape and rotation applied. */
  readonly width: number
  readonly height: number
  /** Degrees clockwise, already applied to width and height. */
  readonly rotation: number
  readonly framesPerSecond?: number
}

export interface AudioTrack {
  readonly codec: string
  readonly codecString: string
  readonly channels: number
  readonly sampleRate: number
}

export interface Tracks {
  readonly durationMs: number
  readonly video?: VideoTrack
  readonly audio?: AudioTrack
}

export function openInput(path: string): Input {
  return new Input({
    source: new FilePathSource(path, { handleUnhandledError: () => undefined }),
    formats: inputFormats,
  })
}

/** Reads the container's headers. Undefined when this reader doesn't know the container or is not sure of a codec. */
export async function probeTracks(path: string): Promise<Tracks | undefined> {
  using input = openInput(path)
  if (!(await input.canRead())) return undefined
  const [video, audio] = [await input.getPrimaryVideoTrack(), await input.getPrimaryAudioTrack()]
  if (!video && !audio) return undefined
  const videoTrack = video && (await videoOf(video))
  const audioTrack = audio && (await audioOf(audio))
  if (videoTrack?.codec === '' || audioTrack?.codec === '') return undefined
  const durationMs = Math.round((await input.computeDuration()) * 1000)
  return { durationMs, ...(videoTrack && { video: videoTrack }), ...(audioTrack && { audio: audioTrack }) }
}

async function videoOf(track: InputVideoTrack): Promise<VideoTrack> {
  const { averagePacketRate } = await track.computePacketStats(60)
  return {
    codec: (await track.getCodec()) ?? '',
    codecString: (await track.getCodecParameterString()) ?? '',
    width: await track.getDisplayWidth(),
    height: await track.getDisplayHeight(),
    rotation: await track.getRotation(),
    ...(Number.isFinite(averagePacketRate) && { framesPerSecond: Math.round(averagePacketRate * 100) / 100 }),
  }
}

async function audioOf(track: InputAudioTrack): Promise<AudioTrack> {
  return {
    codec: (await track.getCodec()) ?? '',
    codecString: (await track.getCodecParameterString()) ?? '',
    channels: await track.getNumberOfChannels(),
    sampleRate: await track.getSampleRate(),
  }
}
