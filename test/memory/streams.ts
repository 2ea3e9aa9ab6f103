/** A stream of the bytes in pieces of at most `pieceBytes`. */
export function streamOf(bytes: Uint8Array, pieceBytes = 65_536): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull: (controller) => {
      if (at >= bytes.length) return controller.close()
      controller.enqueue(bytes.subarray(at, at + pieceBytes))
      at += pieceBytes
    },
  })
}

/** Everything a stream gives. Cancels it and throws the signal's reason when aborted. */
export async function bytesOfStream(stream: ReadableStream<Uint8Array>, signal?: AbortSignal): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) {
    signal?.throwIfAborted()
    pieces.push(piece)
  }
  signal?.throwIfAborted()
  return Buffer.concat(pieces)
}
