import { hasCode, isCatamaranError, isTransient, type ErrorCode } from '../domain/errors.ts'
import type { SiteItem } from '../ports/site-store.ts'
import { type DeadLetter, deadLettersPartition, noteFailedReplay } from './dead-letters.ts'
import { forEachOf } from './each.ts'
import { replayDeadLetter } from './replay-letter.ts'
import type { Services } from './services.ts'

/** Letters with the same kind and, ids and numbers aside, the same cause. */
export interface CauseGroup {
  readonly kind: DeadLetter['kind']
  readonly cause: string
  readonly count: number
  readonly firstMs: number
  readonly lastMs: number
  /** The id of one of them. */
  readonly example: string
}

export interface ReplayRequest {
  readonly kind?: DeadLetter['kind'] | undefined
  /** As the groups show it. */
  readonly cause?: string | undefined
  readonly after?: string | undefined
  /** The most letters looked at. */
  readonly limit: number
}

export interface ReplayReport {
  /** Begun again, and gone. */
  readonly replayed: number
  /** Failed again; they stay, with the new cause. */
  readonly failed: number
  /** Somebody else has replayed them meanwhile. */
  readonly gone: number
  /** Some of those that failed. */
  readonly failures: readonly { readonly id: string; readonly detail: string }[]
  /** Why it ended before its time: what would have kept every further letter from being replayed. */
  readonly stopped: { readonly code: ErrorCode; readonly detail: string } | null
  /** Where to go on; absent at the end. */
  readonly next?: string
}

const lettersLookedAtMax = 5000
const pageItems = 500
const causeCharsMax = 200
/** API Gateway waits 29 seconds for an answer. */
const replayMsMax = 15_000
const replayItems = 25
const replayConcurrencyMax = 8
const failuresMax = 20

/** A cause without what tells one occurrence from another. */
const patternOf = (cause: string): string =>
  cause
    .replaceAll(/"[^"]*"|\b(?=\w*\d)\w{5,}\b|\d+/g, '…')
    .replaceAll(/…(?:[\s.:,/_-]*…)+/g, '…')
    .slice(0, causeCharsMax)

const letterOf = (item: SiteItem): DeadLetter => ({ id: item.id, ...item.value }) as unknown as DeadLetter

/** The most frequent first; of at most 5,000 letters, and `more` says that there are others. */
export async function groupDeadLetters(services: Services): Promise<{ groups: CauseGroup[]; more: boolean }> {
  const groups = new Map<string, CauseGroup>()
  let after: string | undefined
  let looked = 0
  do {
    const page = await services.siteStore.list(deadLettersPartition, { after, limit: pageItems })
    for (const { id, kind, cause, firstMs, lastMs } of page.items.map(letterOf)) {
      const pattern = patternOf(cause)
      const known = groups.get(`${kind} ${pattern}`) ?? { kind, cause: pattern, count: 0, firstMs, lastMs, example: id }
      groups.set(`${kind} ${pattern}`, {
        ...known,
        count: known.count + 1,
        firstMs: Math.min(known.firstMs, firstMs),
        lastMs: Math.max(known.lastMs, lastMs),
      })
    }
    looked += page.items.length
    after = page.next
  } while (after !== undefined && looked < lettersLookedAtMax)
  const sorted = [...groups.values()].sort((a, b) => b.count - a.count || (a.cause < b.cause ? -1 : 1))
  return { groups: sorted, more: after !== undefined }
}

/**
 * Tries letters again, oldest id first, within a time that a client waits for. Calling it again with `next`, or from the start,
 * or twice at once is harmless. It stops where trying on would be idle: a peer that is away, a way that is paused.
 */
export async function replayDeadLetters(services: Services, request: ReplayRequest): Promise<ReplayReport> {
  const untilMs = services.clock.monotonicMs() + replayMsMax
  const counts = { replayed: 0, failed: 0, gone: 0 }
  const failures: { id: string; detail: string }[] = []
  let stopped: ReplayReport['stopped'] = null
  let { after, limit } = request
  const replayOne = async (item: SiteItem): Promise<void> => {
    if (stopped || !isWanted(letterOf(item), request)) return
    const outcome = await replayItem(services, item)
    if (outcome.kind === 'stopped') return void (stopped = { code: outcome.code, detail: outcome.detail })
    counts[outcome.kind]++
    if (outcome.kind === 'failed' && failures.length < failuresMax)
      failures.push({ id: item.id, detail: outcome.detail })
  }
  while (limit > 0 && services.clock.monotonicMs() < untilMs) {
    const page = await services.siteStore.list(deadLettersPartition, { after, limit: Math.min(limit, replayItems) })
    await forEachOf(page.items, replayConcurrencyMax, replayOne)
    // What was replayed is gone, so beginning with this page again does nothing twice.
    if (stopped) break
    if (page.next === undefined) return { ...counts, failures, stopped }
    after = page.next
    limit -= page.items.length
  }
  return { ...counts, failures, stopped, ...(after === undefined ? {} : { next: after }) }
}

const isWanted = (letter: DeadLetter, { kind, cause }: ReplayRequest): boolean =>
  (kind === undefined || letter.kind === kind) && (cause === undefined || patternOf(letter.cause) === cause)

type ReplayOutcome =
  | { readonly kind: 'replayed' | 'gone' }
  | { readonly kind: 'failed'; readonly detail: string }
  | { readonly kind: 'stopped'; readonly code: ErrorCode; readonly detail: string }

async function replayItem(services: Services, item: SiteItem): Promise<ReplayOutcome> {
  try {
    await replayDeadLetter(services, item.id)
    return { kind: 'replayed' }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    if (isCatamaranError(error) && isTransient(error)) return { kind: 'stopped', code: error.code, detail }
    if (hasCode(error, 'not-found') && !(await services.siteStore.get(item.partition, item.id))) return { kind: 'gone' }
    await noteFailedReplay(services, item, detail)
    return { kind: 'failed', detail }
  }
}
