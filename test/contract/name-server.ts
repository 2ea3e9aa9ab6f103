import { createSocket } from 'node:dgram'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { isIP, type Socket } from 'node:net'

export interface NameServer extends AsyncDisposable {
  /** Every address that this server gives a name, asked as any other would be. */
  readonly resolve: (host: string) => Promise<string[]>
  /** How often it was asked for a name. */
  readonly looks: () => number
}

/** Public by its number, and routed to nobody since 2006 (RFC 3701). */
export const nobodysAddress = '3ffe::1'

const types = { 4: 1, 6: 28 } as const

/** A name server on this machine that gives every name the first of the answers, then the second, and so on (RFC 1035, RFC 3596). */
export async function nameServer(answers: readonly (readonly string[])[]): Promise<NameServer> {
  const socket = createSocket('udp4')
  let looks = 0
  socket.on('message', (question, { port, address }) => {
    const type = question.readUInt16BE(question.length - 4)
    const addresses = (answers[looks - 1] ?? []).filter((each) => types[isIP(each) as 4 | 6] === type)
    socket.send(answerTo(question, type, addresses), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const resolver = new Resolver()
  resolver.setServers([`127.0.0.1:${socket.address().port}`])
  return {
    resolve: async (host) => {
      looks += 1
      const found = await Promise.all([resolver.resolve4(host), resolver.resolve6(host)].map(orNone))
      return found.flat()
    },
    looks: () => looks,
    [Symbol.asyncDispose]: async () => {
      socket.close()
      await once(socket, 'close')
    },
  }
}

/** A name may have addresses of one kind alone. */
const orNone = async (found: Promise<string[]>): Promise<string[]> =>
  found.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENODATA') return []
    throw error
  })

/** The question without what an extension appended to it, and each address, good for no time at all. */
function answerTo(question: Buffer, type: number, addresses: readonly string[]): Buffer {
  const head = Buffer.from(question.subarray(0, 12))
  head.writeUInt16BE(0x8180, 2)
  for (const [at, count] of [1, addresses.length, 0, 0].entries()) head.writeUInt16BE(count, 4 + 2 * at)
  const records = addresses.map((address) => {
    const data = bytesOf(address)
    const record = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length])
    return Buffer.concat([record, data])
  })
  return Buffer.concat([head, question.subarray(12), ...records])
}

function bytesOf(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  const [front = [], back = []] = address.split('::').map((half) => half.split(':').filter(Boolean))
  const words = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => '0'), ...back]
  return Buffer.from(words.map((word) => word.padStart(4, '0')).join(''), 'hex')
}

/** Every address that this process begins to connect to from now on; where nobody is, it goes no further. */
export function connectionAttempts(): Disposable & { readonly addresses: string[] } {
  const addresses: string[] = []
  const onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket }
    socket.on('connectionAttempt', (address) => {
      addresses.push(address)
      if (address === nobodysAddress) setImmediate(() => socket.destroy(new Error('Nobody is there')))
    })
  }
  subscribe('net.client.socket', onSocket)
  return { addresses, [Symbol.dispose]: () => void unsubscribe('net.client.socket', onSocket) }
}
