import { writeFile } from 'node:fs/promises'
import { chance, pick } from './chance.ts'

const starts = [
  'Mün',
  'São ',
  'Val',
  'Port ',
  'Kø',
  'Nova ',
  'Łó',
  'San ',
  'Tor',
  'Bri',
  'Ås',
  'El ',
  'Grün',
  'Zü',
] as const
const middles = ['ber', 'ren', 'lau', 'mar', 'sel', 'gar', 'nö', 'ven', 'tal', 'dor'] as const
const ends = ['heim', 'ville', 'stad', 'ão', 'burg', 'ez', 'ów', 'ford', 'née', 'mouth'] as const
const countries = ['DE', 'FR', 'PT', 'PL', 'SE', 'BR', 'US', 'CH', 'ES'] as const
const notes = [
  '',
  '',
  '',
  'on the coast',
  'capital of its region',
  'a "twin city", since 1998',
  'two lines\nof text; and more',
] as const

const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/** 10,000 rows with codes that begin with zeros, accents, quotes, line ends inside quotes, empty cells and dates. */
export async function writeCities(path: string): Promise<void> {
  const next = chance(11)
  const lines = ['id,name,country,postal_code,population,latitude,longitude,founded,capital,updated_at,notes']
  for (let id = 1; id <= 10_000; id++) {
    const name = `${pick(starts, next())}${pick(middles, next())}${pick(ends, next())}`
    const founded =
      next() < 0.15
        ? ''
        : `${1100 + Math.floor(next() * 900)}-${twoDigits(1 + next() * 12)}-${twoDigits(1 + next() * 28)}`
    const cells = [
      String(id),
      next() < 0.1 ? `${name}, ${pick(ends, next())}` : name,
      pick(countries, next()),
      String(Math.floor(next() * 99_999)).padStart(5, '0'),
      next() < 0.05 ? '' : String(Math.floor(500 + next() ** 6 * 9_000_000)),
      (next() * 140 - 60).toFixed(4),
      (next() * 360 - 180).toFixed(4),
      founded,
      String(next() < 0.02),
      new Date(Date.UTC(2026, 0, 1) + Math.floor(next() * 300 * 86_400_000)).toISOString(),
      pick(notes, next()),
    ]
    lines.push(cells.map(quoted).join(','))
  }
  await writeFile(path, `${lines.join('\n')}\n`)
}

const twoDigits = (value: number): string => String(Math.floor(value)).padStart(2, '0')

const kinds = ['view', 'view', 'view', 'play', 'pause', 'download', 'share'] as const

/** 2,000 events, one JSON object a line. */
export async function writeEvents(path: string): Promise<void> {
  const next = chance(23)
  const lines = Array.from({ length: 2_000 }, (_, index) =>
    JSON.stringify({
      id: `evt-${String(index + 1).padStart(6, '0')}`,
      at: new Date(Date.UTC(2026, 10, 1) + index * 61_000).toISOString(),
      kind: pick(kinds, next()),
      user: `user-${Math.floor(next() ** 2 * 300)}`,
      seconds: Math.round(next() * 90_000) / 1000,
      mobile: next() < 0.6,
      ...(next() < 0.3 && { referrer: pick(['search', 'mail', 'söcial'], next()) }),
    }),
  )
  await writeFile(path, `${lines.join('\n')}\n`)
}
