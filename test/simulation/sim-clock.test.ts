import { describe, expect, test } from '@jest/globals'
import { heal } from './mischief.ts'
import { makeWorld } from './run.ts'
import { makeSimClock } from './sim-clock.ts'

const startMs = 1_000_000
const hourMs = 3_600_000

describe('the clock of a simulated site', () => {
  test.each([
    [500, hourMs, 1_800],
    [-500, hourMs, -1_800],
    [900_000, 100_000, 90_000],
    [-900_000, 100_000, -90_000],
    [900_000, hourMs, 300_000],
    [-900_000, hourMs, -300_000],
  ])('at %d ppm it is off after %d ms by %d ms', (ppm, afterMs, offMs) => {
    let virtualMs = 5_000
    const clock = makeSimClock(startMs, () => virtualMs)
    clock.drift(ppm)
    expect(clock.now()).toBe(startMs + 5_000)
    virtualMs += afterMs
    expect(clock.offsetMs()).toBe(offMs)
    expect(clock.now()).toBe(startMs + virtualMs + offMs)
  })

  test('however fast it loses, it never goes back', () => {
    let virtualMs = 0
    const clock = makeSimClock(startMs, () => virtualMs)
    clock.drift(-999_999)
    for (let lastMs = clock.now(); virtualMs < 400_000; lastMs = clock.now()) {
      virtualMs += 777
      expect(clock.now()).toBeGreaterThanOrEqual(lastMs)
    }
  })

  test('another rate goes on from where it is, and what it has shown stays known when it is set back', () => {
    let virtualMs = 0
    const clock = makeSimClock(startMs, () => virtualMs)
    clock.set(1_000)
    clock.drift(100_000)
    virtualMs = 10_000
    clock.drift(-100_000)
    expect(clock.offsetMs()).toBe(2_000)
    virtualMs = 20_000
    expect(clock.offsetMs()).toBe(1_000)
    const shownMs = clock.now()
    clock.set(-5_000)
    expect(clock.highMs()).toBe(shownMs)
    virtualMs = hourMs
    expect(clock.offsetMs()).toBe(-5_000)
    expect(clock.setMs()).toBe(20_000)
  })

  test('healing sets it, and it drifts no more', async () => {
    const { world } = makeWorld(7, new Map(), {})
    world.sites.aws.driftClock(400_000)
    await world.scheduler.runUntil(10_000)
    expect(world.sites.aws.clockOffsetMs()).toBe(4_000)
    heal(world)
    await world.scheduler.runUntil(20_000)
    expect(world.sites.aws.clockOffsetMs()).toBe(0)
  })
})
