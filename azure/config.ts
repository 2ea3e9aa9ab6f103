import * as z from 'zod'
import {
  checkPeerVariables,
  checkSigningVariables,
  parseEnvironment,
  sharedVariables,
} from '../shared/adapters/environment.ts'

/** Each store is reached by a connection string (locally) or by an address and the managed identity (in the cloud). */
const variables = z
  .object({
    ...sharedVariables,
    COSMOS: z.string().includes('AccountEndpoint=').optional(),
    COSMOS__accountEndpoint: z.url().optional(),
    COSMOS_DATABASE: z.string().min(1),
    STORAGE: z.string().includes('AccountName=').optional(),
    STORAGE__blobServiceUri: z.url().optional(),
    STORAGE__queueServiceUri: z.url().optional(),
    /** The user-assigned identity; absent for a connection string or the system-assigned one. */
    AZURE_CLIENT_ID: z.string().optional(),
    /** Where the host hands out the identity's tokens, and what it wants to hear; it sets both itself. */
    IDENTITY_ENDPOINT: z.url().optional(),
    IDENTITY_HEADER: z.string().optional(),
    /** Of the AI Vision resource that ANALYSIS_FEATURES are asked of. */
    VISION_ENDPOINT: z.url().optional(),
  })
  .superRefine(checkPeerVariables)
  .superRefine(checkSigningVariables)
  .superRefine((value, context) => {
    const miss = (name: string, instead: string): void =>
      context.addIssue({ code: 'custom', path: [name], message: `missing (or ${instead})` })
    if (!value.COSMOS && !value.COSMOS__accountEndpoint) miss('COSMOS', 'COSMOS__accountEndpoint')
    if (value.ANALYSIS_FEATURES && !value.VISION_ENDPOINT)
      context.addIssue({ code: 'custom', path: ['VISION_ENDPOINT'], message: 'missing' })
    const { STORAGE, STORAGE__blobServiceUri: blobs, STORAGE__queueServiceUri: queues } = value
    if (STORAGE || (blobs && queues)) return
    if (blobs) miss('STORAGE__queueServiceUri', 'STORAGE')
    else if (queues) miss('STORAGE__blobServiceUri', 'STORAGE')
    else miss('STORAGE', 'STORAGE__blobServiceUri and STORAGE__queueServiceUri')
  })

export type AzureConfig = z.infer<typeof variables>

/** The environment of a deployed function, checked. Throws with the name of every variable that is missing or wrong. */
export const readConfig = (environment: NodeJS.ProcessEnv = process.env): AzureConfig =>
  parseEnvironment(variables, environment)
