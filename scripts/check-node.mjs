// Plain JavaScript on purpose: an older Node must be able to read this file in order to be told about itself.
const majorMin = 24
const major = Number(process.versions.node.split('.')[0])

if (major < majorMin) {
  console.error(
    `Node ${majorMin} is needed, and this is ${process.versions.node}: run "npm ci" (without --ignore-scripts), which puts it into node_modules/.bin, and use "npm start", "npm test" or "npm run".`,
  )
  process.exit(1)
}
