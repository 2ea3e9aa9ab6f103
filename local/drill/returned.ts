import type { Api } from '../tour/api.ts'
import { forEach } from '../tour/upload.ts'
import { type Cast, pathOf, post, sessionOf, textOf, type Thing, type View, write } from './things.ts'

const atOnceMax = 8

/** What clients met at the site that came back, before it had heard of what it lost. */
export interface Returned {
  /** Records that were written over by somebody who had seen the backup's version alone. */
  readonly unseen: number
  /** Reads that were older than what their session had seen. */
  readonly backwards: readonly string[]
  /** Reads that the site refused to answer rather than show something older. */
  readonly refused: number
  readonly reads: number
}

/** The versions that somebody has seen who will write over them later, by id. */
export async function seenAt(api: Api, things: readonly Thing[]): Promise<ReadonlyMap<string, string>> {
  const etags = new Map<string, string>()
  for (const thing of things.filter(({ story }) => story.isWrittenUnseen)) {
    const { headers } = await api.call('GET', pathOf(thing), { status: 200 })
    etags.set(thing.id, headers.get('etag') ?? '')
  }
  return etags
}

/** Lets clients in at once: some write on what they saw long ago, some send again what was done, all others read. */
export async function letIn(cast: Cast, seen: ReadonlyMap<string, string>): Promise<Returned> {
  const api = cast.apis[cast.lost]
  let unseen = 0
  await forEach(cast.things, atOnceMax, async (thing) => {
    const etag = seen.get(thing.id)
    if (etag !== undefined && (await writeUnseen(api, thing, etag))) unseen++
  })
  const changed = cast.things.filter(({ story }) => story.born === 'after' || story.deeds?.after || story.deeds?.alone)
  const posted = changed.filter(({ story }) => story.isPosted)
  await forEach(posted, atOnceMax, (thing) => post(api, thing))
  const backwards: string[] = []
  let refused = 0
  await forEach(changed, atOnceMax, async (thing) => {
    const found = await readOf(api, thing)
    if (found === undefined) refused++
    else if (found !== (thing.text ?? null))
      backwards.push(`${thing.name}: ${found ?? 'nothing'} for ${thing.text ?? 'nothing'}`)
  })
  return { unseen, backwards, refused, reads: changed.length }
}

/** False where the site has heard by then that there is a newer version. */
async function writeUnseen(api: Api, thing: Thing, etag: string): Promise<boolean> {
  const text = `${thing.name}, written on the backup's version`
  const { status } = await write(api, thing, text, { 'if-match': etag })
  if (status !== 200) return false
  if (thing.text !== undefined) thing.overwritten = thing.text
  thing.text = text
  return true
}

/** Undefined where the site refuses to answer, null where it says that there is none. */
async function readOf(api: Api, thing: Thing): Promise<string | null | undefined> {
  const options = { headers: sessionOf(thing), status: [200, 404, 503] }
  const { status, body } = await api.call<View>('GET', pathOf(thing), options)
  if (status === 503) return undefined
  return status === 200 ? (textOf(thing, body) ?? '') : null
}
