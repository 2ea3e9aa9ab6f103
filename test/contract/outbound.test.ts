import { afterEach, describe, expect, test } from '@jest/globals'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { guardedOutbound } from '../../shared/adapters/outbound.ts'
import { isPublicAddress, publicUrl } from '../../shared/adapters/public-address.ts'
import { connectionAttempts, nameServer, nobodysAddress } from './name-server.ts'

const signal = new AbortController().signal
const get = { method: 'GET', signal, timeoutMs: 2_000 } as const

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

/** A server here that counts who comes. */
async function serve(listener: RequestListener): Promise<{ url: string; port: number; count: () => number }> {
  let count = 0
  const server = createServer(listener)
  server.on('connection', () => {
    count += 1
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port, count: () => count }
}

describe('an address of the public internet', () => {
  test.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '192.169.0.1', '2606:4700::1111', '2a00:1450::1'])(
    '%s is',
    (address) => {
      expect(isPublicAddress(address)).toBe(true)
    },
  )

  test.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.9.9.9',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '168.63.129.16',
    '192.0.0.192',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:8.8.8.8',
    '::127.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'fc00::1',
    'fd00:ec2::254',
    'ff02::1',
    '2001:db8::1',
    '2001::1',
    '2002:7f00:1::',
    '2002:a9fe:a9fe::',
    '100::1',
    'localhost',
    '',
    '1.2.3',
    '0x7f.1',
  ])('%s is not', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })
})

describe('a request to a server that a user named', () => {
  test.each([
    'http://example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'https://user:pw@example.com/',
    'nothing',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://[::1]/',
    'https://[::ffff:169.254.169.254]/latest',
    'https://169.254.169.254/latest/meta-data',
    'https://localhost/',
    'https://metadata/',
    'https://[fd00:ec2::254]/',
    `https://example.com/${'x'.repeat(2_048)}`,
  ])('is not made to %s, nor is its name looked up', async (url) => {
    const asked: string[] = []
    const outbound = guardedOutbound({
      resolve: async (host) => {
        asked.push(host)
        return ['8.8.8.8']
      },
    })
    await expect(outbound.request(url, get)).rejects.toMatchObject({ code: 'forbidden' })
    expect(() => publicUrl(url, { allowPrivate: false })).toThrow()
    expect(asked).toEqual([])
  })

  test.each([['127.0.0.1'], ['10.0.0.1'], ['::ffff:127.0.0.1'], ['8.8.8.8', '127.0.0.1'], ['fe80::1']])(
    'is not made when the name leads to %s',
    async (...addresses) => {
      const { port, count } = await serve((_, response) => response.end())
      const outbound = guardedOutbound({ resolve: async () => addresses })
      await expect(outbound.request(`https://rebound.example.com:${port}/`, get)).rejects.toMatchObject({
        code: 'forbidden',
      })
      expect(count()).toBe(0)
    },
  )

  test('goes to the address that was looked at, whatever the name says a moment later', async () => {
    const { port, count } = await serve((_, response) => response.end())
    await using names = await nameServer([[nobodysAddress], ['127.0.0.1']])
    const outbound = guardedOutbound({ resolve: names.resolve })
    using attempts = connectionAttempts()
    await expect(outbound.request(`https://rebound.example.com:${port}/`, get)).rejects.toMatchObject({
      code: 'unavailable',
    })
    expect([names.looks(), attempts.addresses, count()]).toEqual([1, [nobodysAddress], 0])
    await expect(outbound.request(`https://rebound.example.com:${port}/`, get)).rejects.toMatchObject({
      code: 'forbidden',
    })
    expect([names.looks(), attempts.addresses, count()]).toEqual([2, [nobodysAddress], 0])
  })

  test('follows redirects as far as it may, each looked at like the first', async () => {
    const target = await serve((_, response) => response.end('here'))
    const chain = await serve((request, response) => {
      const left = Number(new URL(request.url ?? '/', 'http://x').searchParams.get('left'))
      const location = left > 0 ? `/?left=${left - 1}` : `${target.url}/end`
      response.writeHead(302, { location }).end()
    })
    const outbound = guardedOutbound({ allowPrivate: true })
    const found = await outbound.request(`${chain.url}/?left=2`, { ...get, redirectsMax: 3 })
    expect([found.status, await new Response(found.body).text()]).toEqual([200, 'here'])
    await expect(outbound.request(`${chain.url}/?left=3`, { ...get, redirectsMax: 3 })).rejects.toMatchObject({
      code: 'forbidden',
    })
    const first = await outbound.request(`${chain.url}/?left=0`, get)
    expect(first.status).toBe(302)
    await first.body.cancel()
    const elsewhere = await serve((_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end())
    await expect(outbound.request(elsewhere.url, { ...get, redirectsMax: 3 })).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  test('ends when the server is silent, breaks off, or is not there', async () => {
    const silent = await serve(() => undefined)
    const outbound = guardedOutbound({ allowPrivate: true })
    await expect(outbound.request(silent.url, { ...get, timeoutMs: 50 })).rejects.toMatchObject({ code: 'timed-out' })
    const broken = await serve((request) => request.socket.destroy())
    await expect(outbound.request(broken.url, get)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(outbound.request('http://127.0.0.1:1/', get)).rejects.toMatchObject({ code: 'unavailable' })
    const aborted = AbortSignal.abort(new Error('enough'))
    await expect(outbound.request(silent.url, { ...get, signal: aborted })).rejects.toThrow('enough')
    const dripping = await serve((_, response) => void response.writeHead(200).write('a'))
    const slow = await outbound.request(dripping.url, { ...get, totalMs: 100 })
    await expect(new Response(slow.body).text()).rejects.toThrow()
    const long = await serve((_, response) => response.writeHead(200, { 'x-long': 'y'.repeat(20_000) }).end())
    await expect(outbound.request(long.url, get)).rejects.toMatchObject({ code: 'unavailable' })
  })
})
