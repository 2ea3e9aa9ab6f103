import { parseArgs } from 'node:util'
import { StartError } from '../aws/process.ts'
import { portBaseDefault, portBaseMax } from './addresses.ts'
import { scheduleScaleDefault } from './clouds.ts'

export interface StartOptions {
  readonly once: boolean
  readonly fresh: boolean
  readonly tour: boolean
  readonly signIn: boolean
  readonly help: boolean
  readonly dataFolder: string
  readonly portBase: number
  readonly scheduleScale: number
}

export const helpText = `Catamaran: both clouds on this machine, running the handlers that deploy.

  npm start -- [options]

  --once              end after the tour: exit code 0 when all of it held, else 1
  --no-tour           only start the clouds and stay up
  --sign-in           an issuer of access tokens for development, which both sites take (see docs/sign-in.md)
  --fresh             forget what earlier runs left in the data folder
  --data DIR          where everything persists (.data)
  --port-base N       first of the ports, all on 127.0.0.1 (${portBaseDefault}: APIs on ${portBaseDefault + 10} and ${portBaseDefault + 20})
  --schedule-scale N  run schedules N times faster than deployed (${scheduleScaleDefault})
  --help              this text

One Ctrl-C stops everything, a second one kills it.`

const portBaseMin = 1024
const scheduleScaleMax = 600

/** Reads the command line. Throws StartError naming the option that is wrong. */
export function readOptions(args: readonly string[]): StartOptions {
  const { values } = parse(args)
  return {
    once: values.once,
    fresh: values.fresh,
    tour: !values['no-tour'],
    signIn: values['sign-in'],
    help: values.help,
    dataFolder: values.data,
    portBase: wholeNumber('--port-base', values['port-base'], portBaseMin, portBaseMax),
    scheduleScale: wholeNumber('--schedule-scale', values['schedule-scale'], 1, scheduleScaleMax),
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        once: { type: 'boolean', default: false },
        fresh: { type: 'boolean', default: false },
        'no-tour': { type: 'boolean', default: false },
        'sign-in': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        data: { type: 'string', default: '.data' },
        'port-base': { type: 'string', default: String(portBaseDefault) },
        'schedule-scale': { type: 'string', default: String(scheduleScaleDefault) },
      },
    })
  } catch (error) {
    const message = (error as Error).message.split('.')[0] ?? ''
    throw new StartError(`${message}. "npm start -- --help" lists the options.`)
  }
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new StartError(`${option} must be a whole number from ${min} to ${max}, and "${text}" is not.`)
}
