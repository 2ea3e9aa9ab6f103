export interface PageRequest {
  readonly after?: string | undefined
  /** 1 to 1,000; a page may hold fewer items than this and still have a next. */
  readonly limit: number
}

export interface Page<Item> {
  readonly items: readonly Item[]
  /** Pass it as `after` to go on; absent on the last page. */
  readonly next?: string
}
