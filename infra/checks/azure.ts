import type { Check } from '../finding.ts'
import { checkBicepAlarms } from './bicep-alarms.ts'
import { checkBicepApp } from './bicep-app.ts'
import { checkBicepCompiles } from './bicep-compiles.ts'
import { checkBicepDeployRole } from './bicep-deploy-role.ts'
import { checkBicepEdge } from './bicep-edge.ts'
import { checkBicepHeaders } from './bicep-headers.ts'
import { checkBicepKeys } from './bicep-keys.ts'
import { checkBicepPreflights } from './bicep-preflights.ts'
import { checkBicepPublicName } from './bicep-public-name.ts'
import { checkBicepRefusals } from './bicep-refusals.ts'
import { checkBicepRights } from './bicep-rights.ts'
import { checkBicepSettings } from './bicep-settings.ts'
import { checkBicepSignIn } from './bicep-sign-in.ts'
import { checkBicepStores } from './bicep-stores.ts'
import { checkBicepTrust } from './bicep-trust.ts'
import { checkBicepWords } from './bicep-words.ts'
import { checkParity } from './parity.ts'

export const azureChecks: readonly Check[] = [
  {
    name: 'bicep-compiles',
    cloud: 'azure',
    says: 'every name, parameter, output, file and API version in the Bicep files exists',
    run: checkBicepCompiles,
  },
  {
    name: 'bicep-words',
    cloud: 'azure',
    says: 'every word of Azure is one that it knows, numbers and names are within its bounds',
    run: checkBicepWords,
  },
  {
    name: 'bicep-stores',
    cloud: 'azure',
    says: 'stores are closed, keyless, versioned, locked, and every queue has its poison queue',
    run: checkBicepStores,
  },
  {
    name: 'bicep-keys',
    cloud: 'azure',
    says: "with a key of one's own all that holds data is wrapped with it, in a name that may do nothing else",
    run: checkBicepKeys,
  },
  {
    name: 'bicep-rights',
    cloud: 'azure',
    says: 'the identity has no right that it does not need, and none that erases',
    run: checkBicepRights,
  },
  {
    name: 'bicep-trust',
    cloud: 'azure',
    says: 'what the other cloud may be here is one identity that reads logs, by an exact subject',
    run: checkBicepTrust,
  },
  {
    name: 'bicep-deploy-role',
    cloud: 'azure',
    says: 'one environment of one repository deploys all that is declared, and deletes nothing',
    run: checkBicepDeployRole,
  },
  {
    name: 'bicep-app',
    cloud: 'azure',
    says: 'identity, runtime and scale of the Functions app, and host.json',
    slow: true,
    run: checkBicepApp,
  },
  {
    name: 'bicep-settings',
    cloud: 'azure',
    says: 'every setting that is read is set, and the code accepts them',
    run: checkBicepSettings,
  },
  {
    name: 'bicep-alarms',
    cloud: 'azure',
    says: 'every alarm of infra/alarms.json with its figures, and a budget',
    run: checkBicepAlarms,
  },
  {
    name: 'bicep-edge',
    cloud: 'azure',
    says: 'the edge and the gateway: encrypted, guarded, with policies and probes that work',
    run: checkBicepEdge,
  },
  {
    name: 'bicep-public-name',
    cloud: 'azure',
    says: 'the name of both sites leads to this one alone, with a certificate that lasts, and to no object',
    run: checkBicepPublicName,
  },
  {
    name: 'bicep-headers',
    cloud: 'azure',
    says: 'what users upload is never taken for a page of ours',
    run: checkBicepHeaders,
  },
  {
    name: 'bicep-sign-in',
    cloud: 'azure',
    says: 'the gateway looks at the tokens of every service that people may sign in with',
    run: checkBicepSignIn,
  },
  {
    name: 'bicep-refusals',
    cloud: 'azure',
    says: 'what the gateway answers by itself is a problem of the catalogue, which pages can read',
    run: checkBicepRefusals,
  },
  {
    name: 'bicep-preflights',
    cloud: 'azure',
    says: 'the gateway tells pages of the allowed origins what the app would',
    run: checkBicepPreflights,
  },
  {
    name: 'parity',
    cloud: 'both',
    says: 'functions, triggers, schedules, retries and retention are the same on both clouds',
    slow: true,
    run: checkParity,
  },
]
