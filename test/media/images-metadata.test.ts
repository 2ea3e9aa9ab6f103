import { readFile, writeFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import sharp from 'sharp'
import { run, workbench } from './workbench.ts'

const xmp = `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 exif:GPSLatitude="46,42.196N" exif:GPSLongitude="8,11.34E">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Hafen &amp; Möwen &#60;</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>Outrigger Studio</rdf:li></rdf:Seq></dc:creator>
<dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>boat</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`

/** An APP13 segment with an IPTC record 2 (IIM 4.2), put behind a JPEG's first two bytes. */
async function withIptc(path: string, datasets: Readonly<Record<number, string>>): Promise<void> {
  const parts = Object.entries(datasets).map(([dataset, text]) => {
    const head = Buffer.from([0x1c, 2, Number(dataset), 0, 0])
    head.writeUInt16BE(Buffer.byteLength(text), 3)
    return Buffer.concat([head, Buffer.from(text)])
  })
  const data = Buffer.concat(parts)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const even = Buffer.alloc(data.length % 2)
  const body = Buffer.concat([Buffer.from('Photoshop 3.0\x008BIM\x04\x04\x00\x00', 'latin1'), length, data, even])
  const marker = Buffer.from([0xff, 0xed, 0, 0])
  marker.writeUInt16BE(body.length + 2, 2)
  const jpeg = await readFile(path)
  await writeFile(path, Buffer.concat([jpeg.subarray(0, 2), marker, body, jpeg.subarray(2)]))
}

test('what a picture says of itself is told, and stays out of what is made of it', async () => {
  await using bench = await workbench()
  const path = bench.at('photo.jpg')
  await sharp({ create: { width: 300, height: 200, channels: 3, background: '#6080a0' } })
    .withExif({
      IFD0: { Make: 'Catamaran', Model: 'Outrigger 2', Copyright: 'Exif rights', ImageDescription: 'Exif text' },
      IFD2: {
        DateTimeOriginal: '2026:05:17 19:42:08',
        FNumber: '18/10',
        ExposureTime: '1/250',
        ISOSpeedRatings: '200',
        FocalLength: '26/1',
      },
      IFD3: {
        GPSLatitudeRef: 'S',
        GPSLatitude: '46/1 42/1 1180/100',
        GPSLongitudeRef: 'E',
        GPSLongitude: '8/1 11/1 2040/100',
        GPSAltitudeRef: '0',
        GPSAltitude: '5655/10',
      },
    })
    .withXmp(xmp)
    .jpeg()
    .toFile(path)
  await withIptc(path, { 116: 'IPTC rights', 25: 'harbour', 120: 'IPTC text' })
  const { inspection, files } = await run(path)
  expect(inspection.properties).toMatchObject({
    gps: true,
    exif: {
      make: 'Catamaran',
      model: 'Outrigger 2',
      taken: '2026-05-17T19:42:08',
      fNumber: 1.8,
      exposureSeconds: 0.004,
      iso: 200,
      focalLengthMm: 26,
    },
    description: {
      title: 'Hafen & Möwen &#60;',
      creator: 'Outrigger Studio',
      rights: 'IPTC rights',
      text: 'IPTC text',
      keywords: ['sea', 'boat', 'harbour'],
    },
    location: { latitude: -46.7032778, longitude: 8.189, altitudeMetres: 565.5 },
  })
  for (const file of files) {
    const bytes = await readFile(file.path)
    expect(bytes.toString('latin1')).not.toMatch(/GPS|Exif|Outrigger|xpacket|8BIM|rights|harbour/)
    const header = await sharp(file.path).metadata()
    expect([header.exif, header.xmp, header.iptc, header.icc]).toEqual([undefined, undefined, undefined, undefined])
  }
})

test('a place in XMP alone is reported to be there', async () => {
  await using bench = await workbench()
  const path = bench.at('photo.webp')
  await sharp({ create: { width: 30, height: 20, channels: 3, background: '#6080a0' } })
    .withXmp(xmp)
    .webp()
    .toFile(path)
  expect((await run(path)).inspection.properties).toMatchObject({
    gps: true,
    description: { keywords: ['sea', 'boat'] },
  })
})

test('a picture that says nothing has none of it', async () => {
  await using bench = await workbench()
  const path = bench.at('plain.png')
  await sharp({ create: { width: 30, height: 20, channels: 3, background: '#6080a0' } })
    .png()
    .toFile(path)
  const { properties } = (await run(path)).inspection
  for (const name of ['exif', 'gps', 'description', 'location']) expect(properties).not.toHaveProperty(name)
})
