import { type Options, Parser } from 'csv-parse'

/** The cells of a record and the line on which it ends, or why a record was skipped. */
export type CutRecord =
  | { readonly cells: readonly string[]; readonly lastLine: number }
  | { readonly line: number; readonly error: string }

const reasonCharactersMax = 200

/**
 * csv-parse, giving all that it cuts out of a chunk as one array: a step of the stream for each record takes longer than
 * cutting it.
 */
export class RecordParser extends Parser {
  private cut: CutRecord[] = []

  constructor(options: Options) {
    super({ ...options, readableHighWaterMark: 2 } as Options)
    this.on('skip', (error?: { readonly message: string; readonly lines?: unknown }) => {
      const line = typeof error?.lines === 'number' ? error.lines : 0
      this.cut.push({ line, error: (error?.message ?? 'The row cannot be read').slice(0, reasonCharactersMax) })
    })
  }

  override push(record: readonly string[] | null): boolean {
    if (record !== null) {
      this.cut.push({ cells: record, lastLine: this.info.lines })
      return true
    }
    this.give()
    return super.push(null)
  }

  override _transform(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    super._transform(chunk, encoding, (error?: Error | null) => {
      this.give()
      done(error)
    })
  }

  override _flush(done: (error?: Error | null) => void): void {
    super._flush((error?: Error | null) => {
      this.give()
      done(error)
    })
  }

  private give(): void {
    if (this.cut.length === 0) return
    super.push(this.cut)
    this.cut = []
  }
}
