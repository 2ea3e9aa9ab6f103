import { fromEnv } from '@aws-sdk/credential-provider-env'

/**
 * The role of this function: Lambda puts its keys into the environment of every instance. The SDK's own chain would look in
 * the files and sign-ins of a developer's machine as well.
 */
export const functionIdentity = () => fromEnv()
