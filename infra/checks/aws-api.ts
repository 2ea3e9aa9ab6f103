import { isApiDocumentFresh } from '../aws-api.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

/** That the gateway knows every route that the API has now. */
export async function checkAwsApi(sources: Sources): Promise<Finding[]> {
  if (await isApiDocumentFresh(sources.root)) return []
  return [
    {
      file: 'aws/infra/api-document.json',
      rule: 'aws/api-stale',
      problem: 'the routes have changed since it was written',
      cure: 'npm run infra:api',
    },
  ]
}
