import { createHash } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import type { ObjectStore } from '../../shared/ports/object-store.ts'
import { streamOf } from '../memory/streams.ts'
import { freshTenant } from './fixtures.ts'
import { mebibyte, type ObjectContext, patterned, readObject, sha256 } from './object-fixtures.ts'

const type = { mediaType: 'text/plain' }

/** What every object store promises for bytes that come as a stream, and for writers that race. */
export function objectStreamSuite(name: string, contextOf: () => ObjectContext): void {
  const store = (): ObjectStore => contextOf().store
  const keyOf = (suffix: string): string => `objects/${freshTenant()}/${suffix}`
  const readAll = (key: string) => readObject(store(), key)

  describe(`${name}: streams`, () => {
    const counted = (pieces: number, pieceBytes: number, onPiece: (piece: number) => void = () => undefined) => {
      const hash = createHash('sha256')
      let made = 0
      const stream = new ReadableStream<Uint8Array>(
        {
          pull: (controller) => {
            if (made >= pieces) return controller.close()
            const piece = Buffer.alloc(pieceBytes, made % 251)
            piece.writeUInt32LE(made, 0)
            hash.update(piece)
            made += 1
            controller.enqueue(piece)
            onPiece(made)
          },
        },
        { highWaterMark: 0 },
      )
      return { stream, digest: () => hash.digest('hex'), made: () => made }
    }

    test('64 MiB through a stream at flat memory, with and without its length announced', async () => {
      const pieces = contextOf().isRemote ? 1024 : 160
      for (const bytes of [undefined, pieces * 64 * 1024]) {
        const key = keyOf('large')
        const { stream, digest } = counted(pieces, 64 * 1024)
        const before = process.memoryUsage.rss()
        let peak = before
        const timer = setInterval(() => {
          peak = Math.max(peak, process.memoryUsage.rss())
        }, 20)
        await store().put(key, stream, { ...type, ...(bytes === undefined ? {} : { bytes }) })
        clearInterval(timer)
        expect(await store().head(key)).toMatchObject({ bytes: pieces * 64 * 1024 })
        const hash = createHash('sha256')
        const body = await store().get(key)
        for await (const piece of body?.stream ?? []) hash.update(piece)
        expect(hash.digest('hex')).toBe(digest())
        // Four parts of 8 MiB are in memory at once; garbage not yet collected doubles that.
        if (contextOf().isRemote) expect(peak - before).toBeLessThan(160 * mebibyte)
      }
    }, 120_000)

    test('odd pieces on both sides of every part border', async () => {
      for (const length of [8 * mebibyte - 1, 8 * mebibyte, 8 * mebibyte + 1, 16 * mebibyte]) {
        const key = keyOf(`odd-${length}`)
        const bytes = patterned(length)
        await store().put(key, streamOf(bytes, 1_000_003), type)
        expect(sha256((await readAll(key)) ?? new Uint8Array())).toBe(sha256(bytes))
      }
    }, 120_000)

    test('a stream that is not as long as announced leaves nothing, as does one that breaks', async () => {
      const short = keyOf('short')
      await expect(store().put(short, streamOf(patterned(100)), { ...type, bytes: 101 })).rejects.toMatchObject({
        code: 'invalid-request',
      })
      await expect(
        store().put(short, streamOf(patterned(9 * mebibyte)), { ...type, bytes: 8 * mebibyte }),
      ).rejects.toMatchObject({ code: 'invalid-request' })
      await expect(store().put(short, patterned(3), { ...type, bytes: 4 })).rejects.toMatchObject({
        code: 'invalid-request',
      })
      expect(await store().head(short)).toBeUndefined()
      const broken = keyOf('broken')
      let pieces = 0
      const breaking = new ReadableStream<Uint8Array>({
        pull: (controller) =>
          pieces++ < 20 ? controller.enqueue(patterned(mebibyte)) : controller.error(new Error('the client went away')),
      })
      await expect(store().put(broken, breaking, type)).rejects.toThrow()
      expect(await store().head(broken)).toBeUndefined()
      expect((await store().list(broken, { limit: 10 })).items).toEqual([])
    }, 60_000)

    test('aborting in the middle leaves nothing, stops reading, and throws the reason', async () => {
      const key = keyOf('aborted')
      const controller = new AbortController()
      const { stream, made } = counted(1_000, 64 * 1024, (piece) => {
        if (piece === 400) controller.abort(new Error('enough'))
      })
      const put = store().put(key, stream, { ...type, signal: controller.signal })
      await expect(put).rejects.toThrow('enough')
      expect(made()).toBeLessThan(1_000)
      const then = made()
      await new Promise((resolve) => setTimeout(resolve, 100))
      expect(made()).toBe(then)
      expect(await store().head(key)).toBeUndefined()
    }, 60_000)
  })

  describe(`${name}: if absent`, () => {
    test('of many writers at once exactly one stores, small and in parts', async () => {
      for (const [length, writers] of [
        [1000, 12],
        [9 * mebibyte, 3],
      ] as const) {
        const key = keyOf(`race-${length}`)
        const bodies = Array.from({ length: writers }, (_, n) => Buffer.concat([Buffer.from([n]), patterned(length)]))
        const outcomes = await Promise.all(
          bodies.map((body) => store().put(key, streamOf(body), { ...type, ifAbsent: true })),
        )
        const winners = outcomes.flatMap((outcome, n) => (outcome === 'stored' ? [n] : []))
        expect(winners).toHaveLength(1)
        expect((await readAll(key))?.[0]).toBe(winners[0])
        expect(await store().put(key, Buffer.from('late'), { ...type, ifAbsent: true })).toBe('exists')
      }
    }, 120_000)

    test('after removal the key is free again', async () => {
      const key = keyOf('again')
      expect(await store().put(key, Buffer.from('1'), { ...type, ifAbsent: true })).toBe('stored')
      await store().remove(key)
      expect(await store().put(key, Buffer.from('2'), { ...type, ifAbsent: true })).toBe('stored')
    })
  })
}
