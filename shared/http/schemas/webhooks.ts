import * as z from '../zod.ts'
import { sites } from '../../domain/site.ts'
import { webhookEvents } from '../../domain/webhook.ts'
import { pageOf, timeSchema } from './common.ts'

const urlSchema = z.string().min(1).max(2_048).openapi({
  description: 'https, at a public address, without a user name. Redirects are not followed.',
  example: 'https://example.com/hooks/catamaran',
})
const eventsSchema = z.array(z.enum(webhookEvents)).min(1).max(webhookEvents.length)
const descriptionSchema = z.string().max(500)

export const webhookIdSchema = z
  .string()
  .regex(/^[0-9a-z]{26}$/, '26 small letters and digits.')
  .openapi({ example: '01j9zq3v8k5t2m4n6p7r8s9w0x' })

export const createWebhookSchema = z
  .strictObject({
    url: urlSchema,
    events: eventsSchema.default([...webhookEvents]),
    description: descriptionSchema.default(''),
  })
  .openapi('CreateWebhook')

export const patchWebhookSchema = z
  .strictObject({
    url: urlSchema.optional(),
    events: eventsSchema.optional(),
    description: descriptionSchema.optional(),
    state: z.enum(['active', 'paused']).optional(),
    home: z.enum(sites).optional(),
  })
  .openapi('PatchWebhook')

export const webhookSchema = z
  .object({
    id: webhookIdSchema,
    url: z.string(),
    events: z.array(z.enum(webhookEvents)),
    description: z.string(),
    state: z.enum(['active', 'paused', 'disabled']),
    disabledReason: z.string().optional(),
    home: z.enum(sites).openapi({ description: 'The site that delivers; the other one takes over when it dies.' }),
    health: z
      .object({
        site: z.enum(sites),
        failures: z.number().int().openapi({ description: 'Tries in a row that failed.' }),
        failingSince: timeSchema,
        lastError: z.string(),
      })
      .optional()
      .openapi({ description: 'As the site sees it that answers; absent while all goes well.' }),
    createdAt: timeSchema,
    etag: z.string(),
  })
  .openapi('Webhook')

export const createdWebhookSchema = webhookSchema
  .extend({ secret: z.string().optional().openapi({ description: 'What signs the messages. It is shown this once.' }) })
  .openapi('CreatedWebhook')

export const webhookPageSchema = pageOf(webhookSchema).openapi('WebhookPage')

export const secretSchema = z
  .object({ secret: z.string().optional().openapi({ description: 'The new secret, this once.' }) })
  .openapi('WebhookSecret')

export const messageIdSchema = z
  .string()
  .regex(/^msg_[0-9a-z]{26}$/, 'The webhook-id of a message.')
  .openapi({ example: 'msg_01j9zq3v8k5t2m4n6p7r8s9w0x' })

export const messageSchema = z.object({ id: messageIdSchema }).openapi('WebhookMessage')

export const deliverySchema = z
  .object({
    id: messageIdSchema,
    type: z.string(),
    asset: z.string(),
    outcome: z.enum(['delivered', 'failed', 'given-up', 'waiting']),
    site: z.enum(sites),
    attempt: z.number().int(),
    at: timeSchema.openapi({ description: 'When it was tried; of a message that waits, when it is to be tried.' }),
    tookMs: z.number().int().optional(),
    status: z.number().int().optional(),
    error: z.string().optional(),
  })
  .openapi('WebhookDelivery')

export const deliveryPageSchema = pageOf(deliverySchema).openapi('WebhookDeliveryPage')
