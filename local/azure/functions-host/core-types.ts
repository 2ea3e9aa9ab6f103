/** The part of the worker's private `@azure/functions-core` interface that programming model v4 talks to. */

export interface TypedData {
  readonly string?: string
  readonly json?: string
  readonly bytes?: Uint8Array
  readonly http?: HttpData
}

export interface HttpData {
  readonly method?: string
  readonly url?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly params?: Readonly<Record<string, string>>
  readonly body?: TypedData
  readonly statusCode?: string
  readonly cookies?: readonly { readonly name: string; readonly value: string }[]
}

export interface Binding {
  readonly type: string
  readonly direction: 'in' | 'out'
  readonly name?: string
  readonly [property: string]: unknown
}

export interface RetryOptions {
  /** -1: for ever. */
  readonly maxRetryCount?: number
  readonly retryStrategy?: 'fixedDelay' | 'exponentialBackoff'
  readonly delayInterval?: { readonly seconds: number }
  readonly minimumInterval?: { readonly seconds: number }
  readonly maximumInterval?: { readonly seconds: number }
}

export interface FunctionMetadata {
  readonly name: string
  readonly bindings: Readonly<Record<string, Binding>>
  readonly retryOptions?: RetryOptions
}

export type Callback = (...args: unknown[]) => unknown

export interface RetryContext {
  readonly retryCount: number
  readonly maxRetryCount: number
  readonly exception?: { readonly message?: string }
}

export interface CoreContext {
  readonly invocationId: string
  readonly metadata: FunctionMetadata
  readonly request: {
    readonly inputData: readonly { readonly name: string; readonly data: TypedData }[]
    readonly triggerMetadata: Readonly<Record<string, TypedData>>
    readonly traceContext?: { readonly traceParent: string; readonly traceState: string }
    readonly retryContext?: RetryContext
  }
  readonly log: (level: string, category: string, message: string) => void
  state?: string
}

export interface InvocationModel {
  getArguments(): Promise<{ context: object; inputs: unknown[] }>
  invokeFunction(context: object, inputs: unknown[], callback: Callback): Promise<unknown>
  getResponse(context: object, result: unknown): Promise<{ readonly returnValue?: TypedData | null }>
}

export interface ProgrammingModel {
  readonly name: string
  readonly version: string
  getInvocationModel(context: CoreContext): InvocationModel
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>
}

export type HookCallback = (context: Record<string, unknown>) => unknown
