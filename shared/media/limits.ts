/** What one file may cost. Every limit is checked before the work that it bounds, or stops that work. */
export const imagePixelsMax = 100_000_000
/** All frames of an animation together; above it only the first frame is rendered. */
export const animationPixelsMax = 100_000_000
export const animationFramesMax = 2_000
/** WebP's limit on a side is 16,383; taller pictures are scaled down until they fit. */
export const imageSidePixelsMax = 16_000
export const imageTimeoutSeconds = 60
/** An animation of more frames is no picture any more: it is refused, not shown by its first frame. */
export const framesRefusedMin = 20_000
export const svgBytesMax = 8 * 2 ** 20
export const svgPixelsMax = 16_000_000
export const svgCpuMsMax = 10_000
/** The wall's time ends what does not even get a processor: it is far above the processor's. */
export const svgWallMsMax = 60_000
/** Of libheif in WebAssembly: 100 megapixels of a phone take it about ten seconds. */
export const heifCpuMsMax = 60_000
export const heifWallMsMax = 5 * 60_000
/** A PDF is read whole into memory; a larger one is stored as it is. */
export const documentBytesMax = 256 * 2 ** 20
/** Of PDFium, the document included. */
export const documentMemoryBytesMax = 640 * 2 ** 20
export const documentPixelsMax = 25_000_000
/** How many times as long as it is wide a page may be, or as wide as it is long, to be shown. */
export const documentRatioMax = 40
export const documentCpuMsMax = 20_000
export const documentWallMsMax = 2 * 60_000
/** A book of ten thousand pages takes longer: its text then ends early. */
export const documentTextCpuMsMax = 60_000
export const documentTextCharsMax = 16 * 2 ** 20
export const videoPixelsMax = 8192 * 8192
export const mediaDurationMsMax = 6 * 3_600_000
/** Of all channels together: of a longer sound the loudness is not told, since its true peak takes minutes to find. */
export const meteredMsMax = 12 * 3_600_000
/** A thousand times what a film in good order takes. */
export const probeCpuMsMax = 5_000
export const tagsCpuMsMax = 2_000
export const probeWallMsMax = 60_000
/** A process that reads containers; what it copies is in its memory. */
export const readerBytesMax = 1024 ** 3
/** The index goes in front of the media, for which the copier keeps the media in memory; above this ffmpeg does it. */
export const remuxBytesMax = 128 * 1024 ** 2
export const remuxCpuMsMax = 60_000
export const remuxWallMsMax = 5 * 60_000
export const posterWallMsMax = 60_000
export const convertWallMsMax = 14 * 60_000
export const convertedBytesMax = 8 * 1024 ** 3
/** How much of a file's beginning is looked at to tell its type. */
export const sniffBytes = 64 * 1024
/** The first block of a zstd frame, which may hold 128 KiB that hardly got smaller, comes out whole or not at all. */
export const packedSniffBytes = 256 * 1024
