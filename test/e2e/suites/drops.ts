import { describe, expect, test } from '@jest/globals'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Asset } from '../../../local/tour/upload.ts'
import { until } from '../../../local/tour/until.ts'
import { parseDropKey } from '../../../shared/domain/names.ts'
import { sha256Of, untilReadyAtBoth, untilStatus } from '../assets-tools.ts'
import { dropperOf, dropTools } from '../droppers.ts'
import { type Pair, sites, unique } from '../pair.ts'

interface DeadLetter {
  readonly kind: string
  readonly cause: string
  readonly payload: { readonly payload?: { readonly key?: string } }
}

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
const csv = 'name,count\nZoë,1\n"a, b",2\n'

function assetIdOf(key: string): string {
  const name = parseDropKey(key)
  if (name.kind !== 'drop') throw new Error(`${key} is ${name.kind}`)
  return name.assetId
}

export function dropsSuite(pair: () => Pair): void {
  describe.each(sites)('drops at %s', (site) => {
    const here = () => pair().apis[site]

    test('a dropped file becomes an asset, overwriting a new version, deleting trashes it', async () => {
      const dropper = await dropperOf(pair().clouds, site)
      const key = `drop/e2e/${unique('in')}/Straße ☂/list.csv`
      const id = assetIdOf(key)
      await dropper.put(key, bytesOf(csv), 'text/csv')
      const first = await untilReadyAtBoth(pair(), id)
      expect([first.sha256, first.source.kind, first.rows?.count]).toEqual([sha256Of(csv), 'drop', 2])
      await dropper.put(key, bytesOf(`${csv}c,3\n`), 'text/csv')
      await until('the new version at both sites', async () => {
        const views = await Promise.all(sites.map((each) => pair().apis[each].get<Asset>(`/v1/assets/${id}`)))
        return views.every((view) => view.status === 'ready' && view.rows?.count === 3 && view.bytesHere)
      })
      await dropper.remove(key)
      for (const each of sites) {
        await until(`the asset trashed at ${each}`, async () => {
          return (await pair().apis[each].call('GET', `/v1/assets/${id}`)).status === 404
        })
      }
    }, 90_000)

    test('names that would lead elsewhere are refused, and nothing else happens', async () => {
      const dropper = await dropperOf(pair().clouds, site)
      const mark = unique('evil')
      // The client library of Azure resolves dot segments before it sends anything.
      const dotted = [`drop/e2e/../other/${mark}.txt`, `drop/e2e/a/../../../objects/${mark}.txt`]
      const keys = [
        ...(site === 'aws' ? dotted : []),
        `drop/e2e//${mark}.txt`,
        `drop/e2e/a\\..\\${mark}.txt`,
        `drop/E2E/${mark}.txt`,
        `drop/e2e/${mark}\u0085.txt`,
      ]
      const taken: string[] = []
      for (const key of keys) {
        try {
          await dropper.put(key, bytesOf('evil'), 'text/plain')
          taken.push(key)
        } catch {
          // The store itself refused the name.
        }
      }
      const fence = `drop/e2e/${mark}-good.txt`
      await dropper.put(fence, bytesOf('good'), 'text/plain')
      await untilStatus(here(), assetIdOf(fence), ['ready'])
      let letters: DeadLetter[] = []
      const filed = async (): Promise<boolean> => {
        letters = (await here().get<{ items: DeadLetter[] }>('/v1/replication/dead-letters?limit=1000')).items
        return taken.every((key) => letters.some((each) => each.payload.payload?.key === key))
      }
      await until('a dead letter with the reason for every refused name', filed, { seen: () => ({ taken, letters }) })
      expect(letters.filter((each) => each.payload.payload?.key?.includes(mark)).map((each) => each.cause)).toEqual(
        taken.map(() => expect.stringMatching(/^Refused: /)),
      )
      for (const api of [here(), pair().foreign[site]]) {
        const { items } = await api.get<{ items: Asset[] }>('/v1/assets?limit=100')
        expect(items.filter((each) => each.name.includes(mark)).map((each) => each.name)).toEqual(
          api === here() ? [`${mark}-good.txt`] : [],
        )
      }
    }, 60_000)
  })

  describe.each([...dropTools])('drops by $name at $site', (tool) => {
    test('a file copied by the tool is ready at both sites', async () => {
      const reason = await tool.missing()
      if (reason !== undefined) {
        // Declared, not hidden: the run says what it did not show.
        process.stdout.write(`not shown, drops by ${tool.name} at ${tool.site}: ${reason}\n`)
        return
      }
      const key = `drop/e2e/${unique('tool')}/words.txt`
      const content = `by ${tool.name}\n`.repeat(1_000)
      const file = join(pair().folder, unique('words'))
      await writeFile(file, content)
      await tool.copy(pair().clouds, file, key)
      expect((await untilReadyAtBoth(pair(), assetIdOf(key))).sha256).toBe(sha256Of(content))
    })
  })
}
