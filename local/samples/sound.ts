import { writeFile } from 'node:fs/promises'
import { chance } from './chance.ts'

// Taken out once: inside a sandbox every look at a global costs a call.
const { PI, floor, max, min, round, sin } = Math

const sampleRate = 44_100

/** A hummed tune with breaths, 12 s, mono, 16 bits: syllables with vowel-like overtones. */
export async function writeVoice(path: string): Promise<void> {
  const seconds = 12
  const samples = Buffer.alloc(44 + seconds * sampleRate * 2)
  writeWavHeader(samples)
  const next = chance(3)
  const scale = [196, 220, 246.9, 261.6, 293.7, 329.6, 392]
  let phase = 0
  for (let start = 0; start < seconds; ) {
    const length = 0.18 + next() * 0.5
    const pitch = scale[floor(next() * scale.length)] ?? 220
    const vowel = 500 + next() * 600
    const end = min(seconds, start + length)
    for (let index = floor(start * sampleRate); index < floor(end * sampleRate); index++) {
      const part = (index / sampleRate - start) / length
      const vibrato = 1 + 0.006 * sin((index / sampleRate) * 2 * PI * 5.5)
      phase += (2 * PI * pitch * vibrato) / sampleRate
      let value = 0
      for (let overtone = 1; overtone <= 8; overtone++) {
        const weight = 1 / (1 + ((overtone * pitch - vowel) / 260) ** 2) + 0.25 / overtone
        value += sin(phase * overtone) * weight
      }
      const envelope = sin(PI * min(1, part)) ** 0.6
      samples.writeInt16LE(round(max(-1, min(1, value * envelope * 0.28)) * 32_000), 44 + index * 2)
    }
    start += length + (next() < 0.25 ? 0.3 : 0.03)
  }
  await writeFile(path, samples)
}

function writeWavHeader(file: Buffer): void {
  file.write('RIFF', 0, 'latin1')
  file.writeUInt32LE(file.length - 8, 4)
  file.write('WAVEfmt ', 8, 'latin1')
  file.writeUInt32LE(16, 16)
  file.writeUInt16LE(1, 20)
  file.writeUInt16LE(1, 22)
  file.writeUInt32LE(sampleRate, 24)
  file.writeUInt32LE(sampleRate * 2, 28)
  file.writeUInt16LE(2, 32)
  file.writeUInt16LE(16, 34)
  file.write('data', 36, 'latin1')
  file.writeUInt32LE(file.length - 44, 40)
}
