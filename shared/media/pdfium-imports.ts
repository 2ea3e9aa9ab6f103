import type { WasmFunction, WasmMemory, WasmTable } from './web-assembly.ts'

/** What the calls of the system answer that PDFium was compiled to make: there are no files, no environment, no output. */
const [noSuchCall, badFile, noSuchFile] = [-52, 8, -44]

interface Inside {
  readonly memory: WasmMemory
  readonly table: WasmTable
  readonly setThrew: (threw: number, value: number) => void
  readonly saveStack: () => number
  readonly restoreStack: (stack: number) => void
}

export interface PdfiumImports {
  readonly imports: Readonly<Record<string, Readonly<Record<string, WasmFunction>>>>
  /** Once there is an instance, before anything of it is called. */
  readonly bind: (inside: Inside) => void
  /** Whether it asked for more memory than it may have. */
  readonly hasRunOut: () => boolean
}

const pageBytes = 64 * 1024
/** Of the memory, so that it does not grow with every allocation. */
const growth = 1.2
/** Thrown by C where it jumps back to an earlier call. */
class LongJump {}

/**
 * All that PDFium is given to reach out of its memory: the time of day, and more memory up to `memoryBytesMax`. Every name in
 * `names` that is not here is refused with a code of the system.
 */
export function pdfiumImports(names: readonly string[], memoryBytesMax: number): PdfiumImports {
  const state: { inside?: Inside; ranOut: boolean } = { ranOut: false }
  const inside = (): Inside => {
    if (!state.inside) throw new Error('PDFium was called too early')
    return state.inside
  }
  const known: Readonly<Record<string, WasmFunction>> = {
    emscripten_date_now: () => Date.now(),
    emscripten_resize_heap: (bytes = 0) => {
      const { memory } = inside()
      const [wanted, held] = [bytes >>> 0, memory.buffer.byteLength]
      state.ranOut ||= wanted > memoryBytesMax
      if (wanted > memoryBytesMax) return 0
      const roomy = Math.min(memoryBytesMax, Math.max(wanted, held * growth))
      memory.grow(Math.ceil((roomy - held) / pageBytes))
      return 1
    },
    _emscripten_throw_longjmp: () => {
      throw new LongJump()
    },
    _abort_js: () => {
      throw new Error('PDFium gave up')
    },
    environ_sizes_get: (count = 0, bytes = 0) => {
      const view = new DataView(inside().memory.buffer)
      view.setUint32(count, 0, true)
      view.setUint32(bytes, 0, true)
      return 0
    },
    environ_get: () => 0,
    _tzset_js: () => undefined,
    _gmtime_js: () => undefined,
    _localtime_js: () => undefined,
    __syscall_openat: () => noSuchFile,
    fd_write: () => badFile,
    fd_read: () => badFile,
    fd_seek: () => badFile,
    fd_sync: () => badFile,
    fd_close: () => badFile,
  }
  const importOf = (name: string): WasmFunction =>
    name.startsWith('invoke_') ? jumping(inside) : (known[name] ?? (() => noSuchCall))
  const all = Object.fromEntries(names.map((name) => [name, importOf(name)]))
  return {
    imports: { env: all, wasi_snapshot_preview1: all },
    bind: (found) => void (state.inside = found),
    hasRunOut: () => state.ranOut,
  }
}

/** Calls a function by its place in the table; a jump out of it ends here, as C's `setjmp` has it. */
const jumping =
  (inside: () => Inside): WasmFunction =>
  (place = 0, ...values) => {
    const { table, saveStack, restoreStack, setThrew } = inside()
    const stack = saveStack()
    try {
      return (table.get(place) as WasmFunction)(...values)
    } catch (error) {
      if (!(error instanceof LongJump)) throw error
      restoreStack(stack)
      setThrew(1, 0)
      return 0
    }
  }
