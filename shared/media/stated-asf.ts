import type { Stated } from './stated.ts'

const headerBytes = 30
const objectHeaderBytes = 24
const objectsMax = 500
/** The file properties object (Advanced Systems Format 1.20, 3.2), its name as it is written, and as much of it as is read. */
const fileProperties = 'a1dcab8c47a9cf118ee400c00c205365'
const propertiesBytes = 92
const isBroadcast = 1

/** The time to play, less what is loaded before it begins, as far as it stands in the beginning of the file. */
export function statedInAsf(head: Buffer): Stated {
  for (let at = headerBytes, objects = 0; at + objectHeaderBytes <= head.length && objects < objectsMax; objects++) {
    const object = head.subarray(at, at + propertiesBytes)
    if (object.toString('hex', 0, 16) === fileProperties) return object.length === propertiesBytes ? timeIn(object) : {}
    const bytes = Number(object.readBigUInt64LE(16))
    if (bytes < objectHeaderBytes) break
    at += bytes
  }
  return {}
}

/** In units of 100 ns, and in milliseconds. A broadcast does not know how long it will be. */
function timeIn(object: Buffer): Stated {
  if (object.readUInt32LE(88) & isBroadcast) return {}
  return { durationMs: Number(object.readBigUInt64LE(64)) / 1e4 - Number(object.readBigUInt64LE(80)) }
}
