/** What `load` gives, loaded when it is first asked for and kept; a load that failed is tried again at the next call. */
export function loadOnce<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined
  return () => {
    const mine = (loading ??= load())
    mine.catch(() => {
      if (loading === mine) loading = undefined
    })
    return mine
  }
}
