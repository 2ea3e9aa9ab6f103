import middy from '@middy/core'
import { runTask, type TimerTask } from '../../shared/core/tasks.ts'
import { composeServices } from '../compose.ts'

const services = composeServices('timer')

/** EventBridge schedule with the task's name as its input -> the core. */
export const handler = middy<{ readonly task: TimerTask }>().handler(({ task }) => runTask(services, task))
