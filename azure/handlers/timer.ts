import { app } from '@azure/functions'
import { runTask, timerTasks } from '../../shared/core/tasks.ts'
import { composeServices } from '../compose.ts'

const services = composeServices('timer')

/** One timer a task, each at every full minute -> the core. */
for (const task of timerTasks) {
  app.timer(`timer-${task}`, { schedule: '0 * * * * *', handler: () => runTask(services, task) })
}
