import type { Api } from '../tour/api.ts'

interface Page<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
}

/** Every item of a list, page after page; `path` says how many make a page. */
export async function listAll<Item>(api: Api, path: string): Promise<Item[]> {
  const items: Item[] = []
  let cursor = ''
  do {
    const page = await api.get<Page<Item>>(`${path}${cursor}`)
    items.push(...page.items)
    cursor = page.next === null ? '' : `&cursor=${encodeURIComponent(page.next)}`
  } while (cursor !== '')
  return items
}
