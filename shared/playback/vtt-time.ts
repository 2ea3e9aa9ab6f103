/** Milliseconds as WebVTT (W3C) writes them. */
export function vttTime(ms: number): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const whole = Math.max(0, Math.round(ms))
  const seconds = Math.floor(whole / 1000)
  const fraction = String(whole % 1000).padStart(3, '0')
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${fraction}`
}
