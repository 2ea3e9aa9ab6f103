import { setTimeout as sleep } from 'node:timers/promises'
import {
  DescribeStreamCommand,
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type Shard,
} from '@aws-sdk/client-dynamodb-streams'
import type { Checkpoints } from './checkpoints.ts'
import type { Invoke } from './function-spec.ts'
import { deliverBatch, type GivenUp, type StreamPolicy } from './stream-batch.ts'
import { type LambdaRecord, lambdaRecord } from './stream-records.ts'

export interface StreamMappingOptions {
  readonly streams: DynamoDBStreamsClient
  readonly streamArn: string
  /** Names the mapping's checkpoints. */
  readonly id: string
  readonly invoke: Invoke
  readonly checkpoints: Checkpoints
  readonly startingPosition: 'LATEST' | 'TRIM_HORIZON'
  readonly batchSize: number
  readonly windowMs: number
  readonly policy: StreamPolicy
  readonly giveUp: (given: GivenUp, shardId: string) => Promise<void>
  readonly log: (line: string) => void
}

const pollMs = 100
const discoverMs = 2_000
const errorPauseMs = 500

/** Reads a table's stream and delivers it to a function: shards side by side, a child after its parent, in order within. */
export class StreamMapping {
  private readonly options: StreamMappingOptions
  private readonly stop = new AbortController()
  private readonly reading = new Map<string, Promise<void>>()
  private readonly loop: Promise<void>
  private firstLook = true

  constructor(options: StreamMappingOptions) {
    this.options = options
    this.loop = this.discoverForEver()
  }

  async close(): Promise<void> {
    this.stop.abort()
    await this.loop
    await Promise.all(this.reading.values())
  }

  private get key(): string {
    return `${this.options.id} ${this.options.streamArn}`
  }

  private async discoverForEver(): Promise<void> {
    while (!this.stop.signal.aborted) {
      try {
        await this.discover()
      } catch (error) {
        this.complain('cannot list the shards', error)
      }
      await this.pause(discoverMs)
    }
  }

  private async discover(): Promise<void> {
    const shards = await this.shards()
    const known = new Set(shards.map((shard) => shard.ShardId))
    for (const { ShardId: id = '', ParentShardId: parent } of shards) {
      if (this.reading.has(id) || this.checkpoint(id)?.finished) continue
      const parentOpen = parent !== undefined && known.has(parent) && !this.checkpoint(parent)?.finished
      if (parentOpen) continue
      // A shard that appears later is read from its start, whatever the starting position.
      const from = this.firstLook ? this.options.startingPosition : 'TRIM_HORIZON'
      const reading = this.readForEver(id, from).finally(() => this.reading.delete(id))
      this.reading.set(id, reading)
    }
    this.firstLook = false
  }

  private async shards(): Promise<Shard[]> {
    const shards: Shard[] = []
    let ExclusiveStartShardId: string | undefined
    do {
      const command = new DescribeStreamCommand({
        StreamArn: this.options.streamArn,
        ...(ExclusiveStartShardId ? { ExclusiveStartShardId } : {}),
      })
      const { StreamDescription } = await this.options.streams.send(command, { abortSignal: this.stop.signal })
      shards.push(...(StreamDescription?.Shards ?? []))
      ExclusiveStartShardId = StreamDescription?.LastEvaluatedShardId
    } while (ExclusiveStartShardId)
    return shards
  }

  private checkpoint(shard: string) {
    return this.options.checkpoints.read(this.key, shard)
  }

  private async readForEver(shard: string, from: StreamMappingOptions['startingPosition']): Promise<void> {
    while (!this.stop.signal.aborted) {
      try {
        await this.read(shard, from)
        return
      } catch (error) {
        this.complain(`cannot read ${shard}`, error)
        await this.pause(errorPauseMs)
      }
    }
  }

  /** Reads on from the checkpoint until the shard ends. Throws when an iterator or a call fails: begin again then. */
  private async read(shard: string, from: StreamMappingOptions['startingPosition']): Promise<void> {
    const { batchSize, windowMs, streams } = this.options
    let iterator = await this.iterator(shard, from)
    let pending: LambdaRecord[] = []
    let firstAtMs = 0
    while (iterator !== undefined && !this.stop.signal.aborted) {
      const command = new GetRecordsCommand({ ShardIterator: iterator, Limit: batchSize })
      const { Records = [], NextShardIterator } = await streams.send(command, { abortSignal: this.stop.signal })
      iterator = NextShardIterator
      if (pending.length === 0) firstAtMs = Date.now()
      pending.push(...Records.map((record) => lambdaRecord(record, this.options.streamArn)))
      const due = pending.length >= batchSize || Date.now() - firstAtMs >= windowMs || iterator === undefined
      if (pending.length > 0 && due) {
        await this.deliver(shard, pending)
        pending = []
      } else await this.pause(pollMs)
    }
    if (!this.stop.signal.aborted) {
      this.options.checkpoints.save(this.key, shard, { sequence: this.checkpoint(shard)?.sequence, finished: true })
    }
  }

  private async deliver(shard: string, records: readonly LambdaRecord[]): Promise<void> {
    const { batchSize, policy, invoke, giveUp, checkpoints } = this.options
    for (let at = 0; at < records.length && !this.stop.signal.aborted; at += batchSize) {
      await deliverBatch(records.slice(at, at + batchSize), {
        policy,
        invoke,
        giveUp: (given) => giveUp(given, shard),
        done: (sequence) => checkpoints.save(this.key, shard, { sequence, finished: false }),
        signal: this.stop.signal,
      })
    }
  }

  private async iterator(shard: string, from: StreamMappingOptions['startingPosition']): Promise<string | undefined> {
    const { streams, streamArn } = this.options
    const at = { StreamArn: streamArn, ShardId: shard }
    const sequence = this.checkpoint(shard)?.sequence
    const request = sequence
      ? ({ ...at, ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: sequence } as const)
      : ({ ...at, ShardIteratorType: from } as const)
    try {
      return (await streams.send(new GetShardIteratorCommand(request))).ShardIterator
    } catch (error) {
      if ((error as Error).name !== 'TrimmedDataAccessException') throw error
      const oldest = new GetShardIteratorCommand({ ...at, ShardIteratorType: 'TRIM_HORIZON' })
      return (await streams.send(oldest)).ShardIterator
    }
  }

  private complain(what: string, error: unknown): void {
    if (!this.stop.signal.aborted) this.options.log(`${this.options.id}: ${what}: ${(error as Error).message}`)
  }

  private async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.stop.signal }).catch(() => {})
  }
}
