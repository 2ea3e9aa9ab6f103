import { open } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Entry } from './disk-cache.ts'
import type { Headers } from './origin.ts'

export type CacheStatus = 'hit' | 'miss' | 'revalidated' | 'refused'

export interface Asked {
  readonly method: string
  readonly headers: Headers
}

/** Answers from the cache: conditions (RFC 9110, 13), one range (14), HEAD. Several ranges get the whole, as is allowed. */
export async function answerFromCache(
  entry: Entry,
  asked: Asked,
  response: ServerResponse,
  status: CacheStatus,
): Promise<void> {
  const file = await open(entry.path, 'r')
  try {
    const stored = entry.policy.responseHeaders()
    response.setHeader('x-cache', status)
    for (const [name, value] of Object.entries(stored)) {
      if (value !== undefined && !response.hasHeader(name)) response.setHeader(name, value)
    }
    response.setHeader('accept-ranges', 'bytes')
    response.removeHeader('content-range')
    if (isNotModified(asked.headers, stored)) {
      response.removeHeader('content-length')
      response.writeHead(304).end()
      return
    }
    const range = rangeOf(asked, stored, entry.bytes)
    if (range === 'unsatisfiable') {
      response.removeHeader('content-length')
      response.writeHead(416, { 'content-range': `bytes */${entry.bytes}`, 'content-length': 0 }).end()
      return
    }
    const { start, end } = range ?? { start: 0, end: entry.bytes - 1 }
    if (range) response.setHeader('content-range', `bytes ${start}-${end}/${entry.bytes}`)
    response.writeHead(range ? 206 : 200, { 'content-length': end - start + 1 })
    if (asked.method === 'HEAD') {
      response.end()
      return
    }
    await pipeline(file.createReadStream({ start, end, autoClose: false }), response)
  } finally {
    await file.close()
  }
}

const one = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(', ') : value

const weak = (etag: string): string => etag.trim().replace(/^W\//, '')

function isNotModified(headers: Headers, stored: Headers): boolean {
  const tags = one(headers['if-none-match'])
  const etag = one(stored.etag)
  if (tags !== undefined) {
    return tags.trim() === '*' || (etag !== undefined && tags.split(',').some((tag) => weak(tag) === weak(etag)))
  }
  const since = Date.parse(one(headers['if-modified-since']) ?? '')
  const modified = Date.parse(one(stored['last-modified']) ?? '')
  return modified <= since
}

type Range = { readonly start: number; readonly end: number }

/** Undefined for the whole. */
function rangeOf({ method, headers }: Asked, stored: Headers, bytes: number): Range | 'unsatisfiable' | undefined {
  const text = one(headers.range)
  if (text === undefined || method !== 'GET' || !holdsIfRange(headers, stored)) return undefined
  const parts = /^bytes=\s*(\d*)-(\d*)\s*$/.exec(text)
  if (parts === null || (parts[1] === '' && parts[2] === '')) return undefined
  const [, first = '', last = ''] = parts
  if (first === '') {
    const suffix = Number(last)
    return suffix === 0 || bytes === 0 ? 'unsatisfiable' : { start: Math.max(0, bytes - suffix), end: bytes - 1 }
  }
  const start = Number(first)
  const end = last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1)
  if (last !== '' && Number(last) < start) return undefined
  return start >= bytes ? 'unsatisfiable' : { start, end }
}

/** RFC 9110, 13.1.5: only a strong match lets the range stand. */
function holdsIfRange(headers: Headers, stored: Headers): boolean {
  const condition = one(headers['if-range'])
  if (condition === undefined) return true
  if (condition.startsWith('"')) return condition === one(stored.etag)
  return condition === one(stored['last-modified'])
}
