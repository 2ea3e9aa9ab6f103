import { relative } from 'node:path'

/** The decoder of HEIC, under the LGPL: it is laid out where somebody wants it, as it came, and nothing is linked with it. */
export const heifPackage = 'libheif-js'

/** With `HEIF=on` in the environment. */
export const wantsHeif = process.env.HEIF === 'on'

/** What is loaded of the package, and its licences: the rest is the same once more, for browsers. */
const parts = new Set([
  '',
  'package.json',
  'LICENSE',
  'libheif-wasm',
  'libheif-wasm/LICENSE',
  'libheif-wasm/libheif.js',
  'libheif-wasm/libheif.wasm',
])

/** Whether a file of the package in `folder` is laid out. */
export const isHeifPart = (folder: string, path: string): boolean =>
  parts.has(relative(folder, path).replaceAll('\\', '/'))
