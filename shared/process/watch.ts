import { readFileSync } from 'node:fs'
import type { ProcessLimits } from './limits.ts'

export type Watched = Pick<ProcessLimits, 'wallMsMax' | 'cpuMsMax' | 'memoryBytesMax'>

interface Usage {
  /** Of all threads, since the process began. */
  readonly cpuMs: number
  readonly memoryBytes: number
}

const watchMs = 100
/** The kernel tells processor time in these, whatever it counts by. */
const tickMs = 10

/**
 * Calls `onOver` once with the first limit that a process passes from now on. What it returns ends the watch. Where the
 * system does not tell what a process takes (it does on Linux) only the wall time is watched.
 */
export function watchProcess(
  pid: number,
  limits: Watched,
  onOver: (limit: 'wall' | 'cpu' | 'memory') => void,
): () => void {
  const began = performance.now()
  const before = usageOf(pid)?.cpuMs ?? 0
  const timer = setInterval(() => {
    const over = passed(performance.now() - began, usageOf(pid))
    if (!over) return
    clearInterval(timer)
    onOver(over)
  }, watchMs).unref()
  const passed = (wallMs: number, usage: Usage | undefined) => {
    if (usage && usage.memoryBytes > limits.memoryBytesMax) return 'memory'
    if (usage && usage.cpuMs - before > limits.cpuMsMax) return 'cpu'
    return wallMs > limits.wallMsMax ? 'wall' : undefined
  }
  return () => clearInterval(timer)
}

/** proc(5). Undefined for a process that has ended. */
function usageOf(pid: number): Usage | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name, in brackets, may hold anything; the state comes after it, the times 11 and 12 fields after that.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    return { cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs, memoryBytes: Number(resident ?? 0) * 1024 }
  } catch {
    return undefined
  }
}
