import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliDecompress } from 'node:zlib'
import { pdfiumImports } from './pdfium-imports.ts'
import { webAssembly, type WasmFunction, type WasmMemory, type WasmTable } from './web-assembly.ts'

/** The names of PDFium's C functions; they take and give numbers, of which some are addresses in its memory. */
type PdfiumCall = 'malloc' | 'free' | `FPDF${string}`

/** PDFium, compiled to WebAssembly: it has a memory of its own and reaches nothing else. For one document. */
export interface Pdfium {
  /** Throws what the code inside ran into. */
  call(name: PdfiumCall, ...values: number[]): number
  /** A view that holds until the next call. Throws for what lies outside. */
  bytes(at: number, length: number): Buffer
  /** Copies them in. Throws when there is no room. */
  put(bytes: Uint8Array): number
  /** Whether it asked for more memory than it may have. */
  hasRunOut(): boolean
}

/** As the package has it, and packed beside the bundle that deploys. */
async function program(): Promise<Uint8Array<ArrayBuffer>> {
  if (import.meta.url.endsWith('.ts')) {
    return readFile(createRequire(import.meta.url).resolve('@hyzyla/pdfium/pdfium.wasm'))
  }
  const packed = await readFile(fileURLToPath(new URL('pdfium.wasm.br', import.meta.url)))
  return new Uint8Array(await promisify(brotliDecompress)(packed))
}

/** Loads PDFium into a memory that grows up to `memoryBytesMax`. */
export async function loadPdfium(memoryBytesMax: number): Promise<Pdfium> {
  const compiled = await webAssembly.compile(await program())
  const names = webAssembly.Module.imports(compiled).map(({ name }) => name)
  const { imports, bind, hasRunOut } = pdfiumImports(names, memoryBytesMax)
  const { exports } = await webAssembly.instantiate(compiled, imports)
  const memory = exports['memory'] as WasmMemory
  const call = (name: string, ...values: number[]): number => (exports[name] as WasmFunction)(...values) ?? 0
  bind({
    memory,
    table: exports['__indirect_function_table'] as WasmTable,
    setThrew: (threw, value) => call('setThrew', threw, value),
    saveStack: () => call('emscripten_stack_get_current'),
    restoreStack: (stack) => call('_emscripten_stack_restore', stack),
  })
  call('__wasm_call_ctors')
  call('FPDF_InitLibrary')
  const bytes = (at: number, length: number): Buffer => Buffer.from(memory.buffer, at >>> 0, length)
  return {
    call,
    bytes,
    put(given) {
      const at = call('malloc', given.length)
      if (at === 0) throw new Error('PDFium has no room for the document')
      bytes(at, given.length).set(given)
      return at
    },
    hasRunOut,
  }
}
