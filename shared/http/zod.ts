import { extendZodWithOpenApi } from '@hono/zod-openapi'
import { ZodType } from 'zod'

// One object of all of zod would bring all of it into every bundle; only this class is asked for.
extendZodWithOpenApi({ ZodType } as Parameters<typeof extendZodWithOpenApi>[0])

/** zod, with `.openapi()` on every schema. For `import * as z`, so that a bundle carries what is used of it. */
export * from 'zod'
