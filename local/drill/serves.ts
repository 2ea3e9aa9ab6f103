import { setTimeout as sleep } from 'node:timers/promises'
import type { Api } from '../tour/api.ts'

const tryMsMax = 2_000
const everyMs = 100

/** Waits until the site says that it is ready, for ever if it has to, and gives the moment on the clock of `performance`. */
export async function untilServes(api: Api): Promise<number> {
  for (;;) {
    const status = await api.call('GET', '/v1/health/ready', { timeoutMs: tryMsMax }).then(
      (answer) => answer.status,
      () => 0,
    )
    if (status === 200) return performance.now()
    await sleep(everyMs)
  }
}
