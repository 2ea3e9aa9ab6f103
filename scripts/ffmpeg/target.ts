/** The processor that a program is built for, and what its tools are called where that is another than this machine's. */
export interface Target {
  readonly platform: 'linux-x64' | 'linux-arm64'
  /** For scripts by autoconf, x264's among them. */
  readonly host: readonly string[]
  readonly x264: readonly string[]
  /** Said by the environment, which is all that zlib asks. */
  readonly zlib: readonly string[]
  readonly meson: readonly string[]
  readonly ffmpeg: readonly string[]
  /** What runs the program here: nothing, or an emulator. */
  readonly runner: readonly string[]
}

const cpus = { x64: 'x86_64', arm64: 'aarch64' } as const
const isKnown = (arch: string): arch is keyof typeof cpus => Object.hasOwn(cpus, arch)

/** Throws for a processor that neither cloud's functions run on. */
export function targetOf(arch: string, crossFile: string): Target {
  if (!isKnown(arch)) throw new Error(`For x64 or arm64, not for ${arch}`)
  const platform = `linux-${arch}` as const
  if (arch === process.arch) return { platform, host: [], x264: [], zlib: [], meson: [], ffmpeg: [], runner: [] }
  const cpu = cpus[arch]
  const triplet = `${cpu}-linux-gnu`
  return {
    platform,
    host: [`--host=${triplet}`],
    x264: [`--cross-prefix=${triplet}-`],
    zlib: [`CHOST=${triplet}`],
    meson: [`--cross-file=${crossFile}`],
    ffmpeg: ['--enable-cross-compile', '--target-os=linux', `--arch=${cpu}`, `--cross-prefix=${triplet}-`],
    runner: [`qemu-${cpu}-static`],
  }
}

/** What meson reads of the tools for another processor. */
export function mesonCrossFile(arch: string): string {
  if (!isKnown(arch)) throw new Error(`For x64 or arm64, not for ${arch}`)
  const cpu = cpus[arch]
  const tools = Object.entries({ c: 'gcc', cpp: 'g++', ar: 'ar', strip: 'strip' })
  return [
    '[binaries]',
    ...tools.map(([name, tool]) => `${name} = '${cpu}-linux-gnu-${tool}'`),
    "pkgconfig = 'pkg-config'",
    '[host_machine]',
    "system = 'linux'",
    `cpu_family = '${cpu}'`,
    `cpu = '${cpu}'`,
    "endian = 'little'",
    '',
  ].join('\n')
}
