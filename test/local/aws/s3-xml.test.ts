import { expect, test } from '@jest/globals'
import { parseXml } from '../../../local/aws/s3/xml.ts'

test('characters by number are read as well as those by name: some clients write quotes so', () => {
  for (const quote of ['&quot;', '&#34;', '&#x22;', '"']) {
    expect(parseXml(`<Part><ETag>${quote}a&amp;b${quote}</ETag></Part>`, 'Part').text('ETag')).toBe('"a&b"')
  }
})
