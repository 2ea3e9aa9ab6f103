/**
 * `node scripts/azure-parameters.ts > parameters.json`: what `az deployment sub create --parameters @parameters.json` takes,
 * filled in from the environment as azd fills it in: `${NAME}` must be set, `${NAME=default}` may be. What is wanted in base64
 * may be given as it is, without `_BASE64` in its name. AZURE_PARAMETERS, JSON, gives those that azd does not know of.
 */
import { readFile } from 'node:fs/promises'

type Environment = Readonly<Record<string, string | undefined>>

interface ParametersFile {
  readonly $schema: string
  readonly contentVersion: string
  readonly parameters: Readonly<Record<string, { readonly value: unknown }>>
}

const encoded = '_BASE64'

/** The file with its variables filled in. Throws for one that must be set and is not. */
export function filledIn(file: ParametersFile, environment: Environment): ParametersFile {
  const valueOf = (name: string): string | undefined => {
    const plain = name.endsWith(encoded) ? environment[name.slice(0, -encoded.length)] : undefined
    return environment[name] || (plain && Buffer.from(plain).toString('base64')) || undefined
  }
  const fill = (text: string): string =>
    text.replace(/\$\{(\w+)(?:=([^}]*))?\}/g, (_, name: string, fallback?: string) => {
      const value = valueOf(name) ?? fallback
      if (value === undefined) throw new Error(`${name} is not set`)
      return value
    })
  const given = Object.entries(file.parameters).map(
    ([name, { value }]) => [name, { value: typeof value === 'string' ? fill(value) : value }] as const,
  )
  const more = Object.entries(JSON.parse(environment.AZURE_PARAMETERS || '{}') as Record<string, unknown>)
  return { ...file, parameters: Object.fromEntries([...given, ...more.map(([name, value]) => [name, { value }])]) }
}

if (import.meta.main) {
  const text = await readFile(new URL('../azure/infra/main.parameters.json', import.meta.url), 'utf8')
  process.stdout.write(`${JSON.stringify(filledIn(JSON.parse(text) as ParametersFile, process.env), null, 2)}\n`)
}
