import type { Mutation } from './mutation.ts'

const mistake = (name: string, file: string, find: string, replace: string): Mutation => ({
  name,
  cloud: 'aws',
  file,
  find,
  replace,
})

export const awsMutations: readonly Mutation[] = [
  mistake('a property that does not exist', 'aws/infra/tables.yml', 'StreamViewType:', 'StreamKind:'),
]
