import { findCommand } from './find-command.ts'

/** What a process may take before it is killed. */
export interface ProcessLimits {
  readonly wallMsMax: number
  /** Processor time of all its threads together: unlike the wall's, it does not run out on a machine that is busy. */
  readonly cpuMsMax: number
  /** Memory that it really uses. */
  readonly memoryBytesMax: number
  /** Addresses that it may ask for: no limit for what reserves far more than it uses, as WebAssembly does. */
  readonly addressBytesMax?: number
  /** Of each file that it writes. */
  readonly fileBytesMax: number
  readonly openFilesMax: number
  /** On standard output. */
  readonly outputBytesMax: number
}

/** Sets what the shell knows how to limit, each as far as the system has it, and becomes the program. No core dumps. */
const script = 'ulimit -c 0; for each in "$1" "$2" "$3" "$4"; do ulimit $each 2>/dev/null; done; shift 4; exec "$@"'
/** POSIX counts the sizes of files in these. */
const blockBytes = 512
const toolFolders = '/usr/bin:/bin'
/** Only what nobody watches any more comes this far: a process whose owner was killed. */
const cpuGraceSeconds = 2

/**
 * The words that run `words` under the limits that the kernel itself holds: processor time, addresses, sizes of files, open
 * files. On Linux with util-linux the process also dies with its owner. Where there is no shell it runs as it is.
 */
export function limited(words: readonly string[], limits: ProcessLimits): string[] {
  const shell = findCommand('sh', toolFolders)
  const setpriv = process.platform === 'linux' ? findCommand('setpriv', toolFolders) : undefined
  const set = [
    `-t ${Math.ceil(limits.cpuMsMax / 1000) + cpuGraceSeconds}`,
    `-v ${limits.addressBytesMax === undefined ? 'unlimited' : Math.ceil(limits.addressBytesMax / 1024)}`,
    `-f ${Math.ceil(limits.fileBytesMax / blockBytes)}`,
    `-n ${limits.openFilesMax}`,
  ]
  return [
    ...(setpriv ? [setpriv, '--pdeathsig', 'KILL', '--'] : []),
    ...(shell ? [shell, '-c', script, 'limited', ...set] : []),
    ...words,
  ]
}
