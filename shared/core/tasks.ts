import { scanDrops } from './drop-scan.ts'
import { resumeOperation } from './operation-store.ts'
import { reconcile } from './reconcile.ts'
import type { Services } from './services.ts'
import { sweep } from './sweep.ts'
import { watch } from './watch.ts'

/** What the timers do. Both clouds schedule exactly these. */
export const timerTasks = ['reconcile', 'sweep', 'watch'] as const
export type TimerTask = (typeof timerTasks)[number]

export async function runTask(services: Services, task: TimerTask): Promise<void> {
  switch (task) {
    case 'reconcile':
      await reconcile(services)
      return
    case 'sweep':
      await sweep(services)
      await scanDrops(services)
      await resumeOperation(services)
      return
    case 'watch':
      await watch(services)
      return
  }
}
