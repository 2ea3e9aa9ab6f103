import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { startAzurite } from './azurite-server.ts'
import { azurePorts } from './endpoints.ts'
import { hostOptions, runProcess } from './process.ts'

// Azurite brings thousands of modules, and compiling them is most of its start.
enableCompileCache()

const { data, portBase } = hostOptions()
const ports = azurePorts(portBase)

runProcess(async () => {
  const folder = join(data, 'azurite')
  const { stop } = await startAzurite({ folder, blobPort: ports.blobInternal, queuePort: ports.queue })
  return { facts: { process: 'azurite', blob: ports.blobInternal, queue: ports.queue }, stop }
})
