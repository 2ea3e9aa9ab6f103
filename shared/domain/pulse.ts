import type { RecordKey } from './record.ts'
import type { Site } from './site.ts'

const tenant = '_system'
const collection = '_pulse'

/** A record that a site changes so that its feed has something to bring. Nobody reads what it says. */
export const pulseKey = (site: Site): RecordKey => ({ tenant, collection, id: site })

export const isPulse = (key: RecordKey): boolean => key.tenant === tenant && key.collection === collection
