import type { Config } from 'jest'

const common = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.data'],
}

const config: Config = {
  coverageProvider: 'v8',
  testTimeout: 30_000,
  maxWorkers: 2,
  // Modules of finished files are not given back: a worker near the end of its heap does little but look for room.
  workerIdleMemoryLimit: '1GB',
  projects: [
    {
      ...common,
      displayName: 'apart',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/e2e/'],
    },
    {
      ...common,
      displayName: 'end to end',
      testMatch: ['<rootDir>/test/e2e/**/*.test.ts'],
      // The clouds are ten processes: beside another file their waits grow long.
      runner: '<rootDir>/test/serial-runner.ts',
    },
  ],
}

export default config
