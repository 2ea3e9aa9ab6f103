import type { Recipe } from '../ports/media-converter.ts'

/** The transfer of a film in high dynamic range (ITU-R BT.2100), as ffmpeg names it. */
export const hdrTransfers = { smpte2084: 'pq', 'arib-std-b67': 'hlg' } as const
export type HdrTransfer = keyof typeof hdrTransfers

export const isHdrTransfer = (name: unknown): name is HdrTransfer =>
  typeof name === 'string' && Object.hasOwn(hdrTransfers, name)

/** From BT.2100 to BT.709: what is brighter than a screen can show is drawn in, not cut off. */
export function toneMapFilters({ options: { toneMap } }: Recipe): string[] {
  if (!isHdrTransfer(toneMap)) return []
  return [
    `zscale=tin=${toneMap}:min=2020_ncl:pin=2020:rin=limited:t=linear:npl=100`,
    'format=gbrpf32le',
    'zscale=p=709',
    'tonemap=tonemap=hable:desat=0',
    'zscale=t=709:m=709:r=limited',
    'format=yuv420p',
  ]
}
