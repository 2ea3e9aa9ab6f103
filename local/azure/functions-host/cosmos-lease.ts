import type { Container } from '@azure/cosmos'

/** One lease document, in the shape of the change feed processor's. */
export interface LeaseDocument {
  readonly id: string
  readonly LeaseToken: string
  readonly Owner: string | null
  /** The feed's etag: everything up to it has been handled. */
  readonly ContinuationToken: string | null
  readonly timestamp: string
  readonly properties: Record<string, string>
  readonly _etag?: string
}

const statusOf = (error: unknown): unknown => (error as { code?: unknown }).code

/** The lease of the one partition range of a monitored container. All writes are conditional on the last one seen. */
export class Lease {
  readonly #container: Container
  readonly #id: string
  readonly #owner: string
  readonly #expirationMs: number
  #document: LeaseDocument | undefined

  constructor(container: Container, options: { id: string; owner: string; expirationMs: number }) {
    this.#container = container
    this.#id = options.id
    this.#owner = options.owner
    this.#expirationMs = options.expirationMs
  }

  get continuation(): string | undefined {
    return this.#document?.ContinuationToken ?? undefined
  }

  get held(): boolean {
    return this.#document?.Owner === this.#owner
  }

  /** Creates the lease or takes a free, an own or an expired one. False while another owner is alive. */
  async acquire(): Promise<boolean> {
    const { resource } = await this.#container.item(this.#id, this.#id).read<LeaseDocument>()
    if (resource === undefined) return this.#create()
    const expired = Date.parse(resource.timestamp) + this.#expirationMs < Date.now()
    if (resource.Owner !== null && resource.Owner !== this.#owner && !expired) return false
    this.#document = resource
    return this.#write({ Owner: this.#owner })
  }

  async #create(): Promise<boolean> {
    const document: LeaseDocument = {
      id: this.#id,
      LeaseToken: '0',
      Owner: this.#owner,
      ContinuationToken: null,
      timestamp: new Date().toISOString(),
      properties: {},
    }
    try {
      const { resource } = await this.#container.items.create<LeaseDocument>(document)
      this.#document = resource
      return true
    } catch (error) {
      if (statusOf(error) === 409) return false
      throw error
    }
  }

  renew(): Promise<boolean> {
    return this.#write({})
  }

  checkpoint(continuation: string): Promise<boolean> {
    return this.#write({ ContinuationToken: continuation })
  }

  async release(): Promise<void> {
    if (this.held) await this.#write({ Owner: null })
  }

  /** False, and no longer held, when somebody else wrote in between. */
  async #write(change: Partial<LeaseDocument>): Promise<boolean> {
    const document = this.#document
    if (document?._etag === undefined) return false
    const accessCondition = { type: 'IfMatch', condition: document._etag }
    try {
      const next = { ...document, ...change, timestamp: new Date().toISOString() }
      const { resource } = await this.#container
        .item(this.#id, this.#id)
        .replace<LeaseDocument>(next, { accessCondition })
      this.#document = resource
      return true
    } catch (error) {
      if (statusOf(error) !== 412 && statusOf(error) !== 404) throw error
      this.#document = undefined
      return false
    }
  }
}
