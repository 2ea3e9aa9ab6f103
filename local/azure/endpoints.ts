/** Where the local Azure services listen, all on 127.0.0.1. */
export interface AzurePorts {
  readonly api: number
  readonly edge: number
  /** The Event Grid proxy in front of Azurite's blob service: what clients use. */
  readonly blob: number
  readonly queue: number
  readonly cosmos: number
  /** Azurite's own blob port. */
  readonly blobInternal: number
}

export const azurePorts = (portBase: number): AzurePorts => ({
  api: portBase + 20,
  edge: portBase + 21,
  blob: portBase + 22,
  queue: portBase + 23,
  cosmos: portBase + 24,
  blobInternal: portBase + 25,
})

/** The well-known key of Microsoft's Cosmos DB emulator. It guards nothing: the server listens on this machine alone. */
export const localCosmosKey = 'C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=='

/** Azurite's well-known account, from its documentation. */
export const storageAccount = 'devstoreaccount1'
export const storageKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

export const cosmosConnectionString = (port: number): string =>
  `AccountEndpoint=http://127.0.0.1:${port}/;AccountKey=${localCosmosKey};`

export const storageConnectionString = (blobPort: number, queuePort: number): string =>
  [
    'DefaultEndpointsProtocol=http',
    `AccountName=${storageAccount}`,
    `AccountKey=${storageKey}`,
    `BlobEndpoint=http://127.0.0.1:${blobPort}/${storageAccount}`,
    `QueueEndpoint=http://127.0.0.1:${queuePort}/${storageAccount}`,
  ].join(';') + ';'
