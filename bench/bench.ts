import { parseArgs } from 'node:util'

interface BenchOption {
  readonly type: 'string' | 'boolean'
  readonly default?: string | boolean
  /** What stands for its value, where it takes one. */
  readonly value?: string
  readonly about: string
}

type BenchOptions = Readonly<Record<string, BenchOption>>
type Values<Options extends BenchOptions> = ReturnType<typeof parseArgs<{ options: Options }>>['values']

/** Something that is measured, and what the command line may say about it. */
export interface Bench {
  readonly about: string
  readonly options: BenchOptions
  /** True when every bar was met. Throws what `isMisunderstood` knows when an option makes no sense. */
  measure(args: readonly string[]): Promise<boolean>
}

export const bench = <const Options extends BenchOptions>(
  about: string,
  options: Options,
  measure: (values: Values<Options>) => Promise<boolean>,
): Bench => ({ about, options, measure: async (args) => measure(parseArgs({ args: [...args], options }).values) })

/** Whether the command line is at fault, so that its message says all that there is to say. */
export const isMisunderstood = (error: unknown): error is Error =>
  error instanceof RangeError ||
  (error instanceof TypeError && 'code' in error && `${error.code}`.startsWith('ERR_PARSE_ARGS'))

/** What can be said to a bench, a line an option. */
export function helpOf(name: string, { about, options }: Bench): string {
  const rows = Object.entries(options).map(([option, { value = '', about: meaning, default: standard }]) => {
    const given = typeof standard === 'string' ? ` (${standard})` : ''
    return [`--${option} ${value}`.trimEnd(), `${meaning}${given}`] as const
  })
  const width = Math.max(0, ...rows.map(([left]) => left.length))
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
  return [`npm run bench -- ${name}${rows.length > 0 ? ' [options]' : ''}`, '', `  ${about}`, ...lines].join('\n')
}
