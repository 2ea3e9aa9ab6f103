import { CosmosClient } from '@azure/cosmos'
import { app } from '@azure/functions'
import { fromItem, type Item, toItem } from '../../azure/adapters/record-item.ts'
import { sortableId } from '../../shared/domain/sortable-id.ts'
import { itemOf, keyOf } from './state.ts'

const [, endpoint = '', key = ''] = /AccountEndpoint=([^;]+);AccountKey=([^;]+)/.exec(process.env.COSMOS ?? '') ?? []
const cosmos = new CosmosClient({ endpoint, key, connectionPolicy: { enableEndpointDiscovery: false } })
const container = cosmos.database(process.env.COSMOS_DATABASE ?? '').container('records')

app.setup({ enableHttpStream: true })

/** The one SDK call that a put or a get of a record needs, and nothing around it. */
app.http('http', {
  route: '{*path}',
  methods: ['GET', 'PUT'],
  authLevel: 'anonymous',
  handler: async (request) => {
    const id = new URL(request.url).pathname.slice(1)
    if (request.method === 'PUT') {
      const { state, facts } = itemOf('azure', id, await request.text())
      await container.items.create(toItem(state, facts))
      return { status: 201 }
    }
    const { pk, sk } = keyOf(id)
    const { resource } = await container.item(sortableId(sk), pk).read<Item>()
    return resource ? { status: 200, jsonBody: fromItem(resource).body } : { status: 404 }
  },
})
