import { CatamaranError } from '../domain/errors.ts'
import type { WorkTools } from './work-tools.ts'

const workFileBytesDefault = 8 * 2 ** 30
/** Of the local disk: what is made of a file needs room beside it. */
const fileShareMax = 0.8

/** The most that a file may have to be here whole. */
export async function workFileBytesMax({ workFileBytesMax: stated, workDisk }: WorkTools): Promise<number> {
  const { totalBytes = Number.POSITIVE_INFINITY } = (await workDisk?.()) ?? {}
  return Math.min(stated ?? workFileBytesDefault, Math.floor(totalBytes * fileShareMax))
}

/**
 * Throws `too-large` for what never fits on the local disk, as at a site whose disks are smaller than those of the one that began,
 * and `unavailable` while others have taken the room.
 */
export async function assertRoomFor(work: WorkTools, bytes: number): Promise<void> {
  const bytesMax = await workFileBytesMax(work)
  if (bytes > bytesMax) {
    throw new CatamaranError(
      'too-large',
      `It takes ${bytes} bytes of the local disk, and ${bytesMax} are what a job may take here.`,
    )
  }
  const disk = await work.workDisk?.()
  if (disk && bytes > disk.freeBytes) {
    throw new CatamaranError('unavailable', `The local disk has ${disk.freeBytes} bytes left, and it takes ${bytes}.`)
  }
}
