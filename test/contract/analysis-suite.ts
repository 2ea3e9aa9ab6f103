import { describe, expect, test } from '@jest/globals'
import {
  boundedFindings,
  labelCategories,
  moderationCategories,
  type AnalysisFeature,
  type Box,
} from '../../shared/domain/analysis.ts'
import type { Analysis, AnalysisPicture } from '../../shared/ports/analysis.ts'

export const picture: AnalysisPicture = {
  bytes: new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]),
  mediaType: 'image/jpeg',
  width: 800,
  height: 600,
}

export interface AnalysisUnderTest {
  readonly make: (features: readonly AnalysisFeature[]) => Analysis
  /** Has the service refuse for so long. */
  readonly fail: (kind: 'throttled' | 'broken' | 'unreadable' | 'garbage') => void
  readonly heal: () => void
}

/** What every service that looks at pictures promises; each is shown the same one. */
export function analysisSuite(name: string, { make, fail, heal }: AnalysisUnderTest): void {
  const never = new AbortController().signal
  const isInside = ({ x, y, width, height }: Box): boolean =>
    x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= 1.0001 && y + height <= 1.0001

  describe(`${name}: analysis`, () => {
    test('what is found is told in our words, beside the service own', async () => {
      const { findings } = await make(['labels', 'text', 'faces', 'moderation']).analyse(picture, never)
      const { labels = [], text = [], faces = [], moderation = [] } = boundedFindings(findings)
      expect(labels[0]).toMatchObject({ name: 'dog', category: 'animal', label: expect.stringMatching(/^dog$/i) })
      expect(labels[0]?.confidence).toBeCloseTo(0.9887, 3)
      expect(labels[0]?.boxes).toHaveLength(2)
      expect(labels[0]?.boxes[0]).toEqual({ x: 0.125, y: 0.25, width: 0.25, height: 0.5 })
      expect(labels.find(({ category }) => category === 'plant')?.confidence).toBeCloseTo(0.8, 1)
      expect(text).toMatchObject([
        { text: 'OPEN 24 HOURS', confidence: 0.935, box: { x: 0.25, y: 0.05, width: 0.5, height: 0.1 } },
      ])
      expect(faces[0]?.box).toEqual({ x: 0.6, y: 0.3, width: 0.1, height: 0.2 })
      expect(new Set(moderation.map(({ category }) => category))).toEqual(new Set(['violence']))
      expect(moderation[0]?.confidence).toBeCloseTo(0.812, 3)
    })

    test('every category is one of ours, every confidence and every place is a fraction', async () => {
      const { findings } = await make(['labels', 'text', 'faces', 'moderation']).analyse(picture, never)
      const bounded = boundedFindings(findings)
      for (const { category, confidence, boxes } of bounded.labels ?? []) {
        expect(labelCategories).toContain(category)
        expect([confidence >= 0.5, confidence <= 1, boxes.every(isInside)]).toEqual([true, true, true])
      }
      for (const { category } of bounded.moderation ?? []) expect(moderationCategories).toContain(category)
      expect([...(bounded.text ?? []), ...(bounded.faces ?? [])].every(({ box }) => isInside(box))).toBe(true)
    })

    test('nothing is told that was not asked for', async () => {
      for (const feature of ['labels', 'text', 'faces', 'moderation'] as const) {
        const { findings, models } = await make([feature]).analyse(picture, never)
        expect(Object.keys(findings)).toEqual([feature])
        expect(Object.keys(models).every((each) => each === feature)).toBe(true)
      }
    })

    test('refusals have our codes, and their words stay inside', async () => {
      const codes = {
        throttled: 'throttled',
        broken: 'unavailable',
        unreadable: 'invalid-media',
        garbage: 'unavailable',
      }
      for (const [kind, code] of Object.entries(codes)) {
        fail(kind as keyof typeof codes)
        const error: unknown = await make(['labels'])
          .analyse(picture, never)
          .catch((thrown: unknown) => thrown)
        expect(error).toMatchObject({ name: 'CatamaranError', code })
        expect((error as { details: { publicMessage?: string } }).details.publicMessage).toMatch(/^The service that/)
      }
      heal()
    })

    test('a caller who has left is not answered', async () => {
      await expect(make(['labels']).analyse(picture, AbortSignal.abort(new Error('left')))).rejects.toThrow(
        /left|abort/,
      )
    })
  })
}
