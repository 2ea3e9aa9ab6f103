import type { Mutation } from './mutation.ts'

const mistake = (name: string, file: string, find: string, replace: string): Mutation => ({
  name,
  cloud: 'azure',
  file,
  find,
  replace,
})
const module = (name: string): string => `azure/infra/modules/${name}.bicep`

export const azureMutations: readonly Mutation[] = [
  mistake('a name that is declared nowhere', module('drops'), 'parent: topic', 'parent: topics'),
  mistake('a module without a parameter it needs', 'azure/infra/main.bicep', '    vaultUri: vault.outputs.uri\n', ''),
  mistake(
    'an output that no module has',
    'azure/infra/main.bicep',
    'objects.outputs.queueEndpoint',
    'objects.outputs.queueUrl',
  ),
  mistake('a property that Azure does not give', module('vault'), 'vault.properties.vaultUri', 'vault.properties.uri'),
  mistake('an API version that does not exist', module('vault'), 'vaults@2023-07-01', 'vaults@2023-17-01'),
]
