/** A function as the host runs it. */
export interface FunctionSpec {
  /** Full name, as in its ARN. */
  readonly name: string
  readonly arn: string
  /** The CommonJS bundle that exports `handler`. */
  readonly bundle: string
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly memoryMb: number
}

export interface FunctionFailure {
  readonly errorType: string
  readonly errorMessage: string
  readonly trace?: readonly string[]
}

export type Invocation =
  | { readonly ok: true; readonly requestId: string /** JSON */; readonly payload: string }
  | { readonly ok: false; readonly requestId: string; readonly error: FunctionFailure }

/** Synchronous limit of Lambda on the request and on the response. */
export const payloadBytesMax = 6 * 1024 * 1024 + 100

/** From the host to an instance. */
export interface InvokeMessage {
  readonly requestId: string
  /** JSON */
  readonly event: string
  readonly deadlineMs: number
}

/** From an instance to the host. */
export type InstanceMessage =
  | { readonly kind: 'ready'; readonly initMs: number }
  | { readonly kind: 'initFailed'; readonly error: FunctionFailure }
  | { readonly kind: 'done'; readonly requestId: string; readonly payload: string }
  | { readonly kind: 'failed'; readonly requestId: string; readonly error: FunctionFailure }

/** Invokes a function with a JSON event. Settles for every outcome; rejects only with `Throttled` when too many wait. */
export type Invoke = (event: string) => Promise<Invocation>
