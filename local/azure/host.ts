import { existsSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { azurePorts, cosmosConnectionString, storageConnectionString } from './endpoints.ts'
import { startFunctionsHost } from './functions-host/host.ts'
import { hostOptions, runProcess } from './process.ts'
import { provision } from './provision.ts'
import { stores } from './stores.ts'

enableCompileCache()

const options = hostOptions()
const ports = azurePorts(options.portBase)
const storesMsMax = 20_000

process.env.COSMOS ??= cosmosConnectionString(ports.cosmos)
process.env.COSMOS_DATABASE ??= stores.cosmos.database
process.env.STORAGE ??= storageConnectionString(ports.blob, ports.queue)
process.env.AzureWebJobsStorage ??= process.env.STORAGE

/** The stores start beside this process, so they are given time. */
async function provisionWhenUp(cosmos: string, storage: string): Promise<void> {
  const end = Date.now() + storesMsMax
  for (;;) {
    try {
      await provision({ cosmos, storage }, options.data)
      return
    } catch (error) {
      if ((error as Error).name === 'StartError' || Date.now() > end) throw error
      await sleep(200)
    }
  }
}

runProcess(async () => {
  if (!existsSync(join(options.app, 'host.json'))) {
    throw new Error(`${options.app} holds no Functions app: build it with npm run build.`)
  }
  await provisionWhenUp(String(process.env.COSMOS), String(process.env.STORAGE))
  const host = await startFunctionsHost({
    app: options.app,
    port: ports.api,
    environment: process.env,
    scheduleScale: options.scheduleScale,
    owner: `local-${ports.api}`,
  })
  return { facts: { process: 'azure-host', api: host.port }, stop: host.stop }
})
