/** What is used of WebAssembly's interface for JavaScript, which belongs to no library that is typed here. */
interface WebAssemblyApi {
  compile(program: Uint8Array): Promise<object>
  instantiate(
    compiled: object,
    imports: Readonly<Record<string, Readonly<Record<string, WasmFunction>>>>,
  ): Promise<{ readonly exports: Readonly<Record<string, WasmFunction | WasmMemory | WasmTable>> }>
  readonly Module: { imports(compiled: object): { readonly name: string }[] }
  readonly RuntimeError: abstract new () => Error
}

export type WasmFunction = (...values: number[]) => number | undefined

export interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

export interface WasmTable {
  get(place: number): unknown
}

export const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly
