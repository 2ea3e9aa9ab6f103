import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface TcpCounter {
  readonly port: number
  readonly count: { bytes: number; requests: number }
  close(): Promise<void>
}

const requestLine = /^[A-Z]+ \S+ HTTP\/1\.1\r$/gm

/** Passes connections on to a port of this machine, and counts bytes both ways and HTTP requests. */
export async function countTcp(target: number): Promise<TcpCounter> {
  const count = { bytes: 0, requests: 0 }
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from)
      from.on('data', (bytes: Buffer) => {
        count.bytes += bytes.length
        if (from === client) count.requests += bytes.toString('latin1').match(requestLine)?.length ?? 0
      })
      from.on('error', () => to.destroy())
      from.on('close', () => open.delete(from))
      from.pipe(to)
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    count,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
}
