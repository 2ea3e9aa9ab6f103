'use strict'

/** What its name begins with is the framework's; what follows is a digest of code and configuration. */
const version = /^HttpLambdaVersion/

/**
 * A plugin of the framework: the alias `live` names the version that was packaged, whose name nobody knows beforehand. An
 * alias that went on naming the latest would have no version to go back to.
 */
module.exports = class Canary {
  constructor({ service }) {
    this.hooks = {
      'after:aws:package:finalize:mergeCustomProviderResources': () => {
        const { Resources } = service.provider.compiledCloudFormationTemplate
        const id = Object.keys(Resources).find((name) => version.test(name))
        if (id === undefined) throw new Error('The function `http` has no version: set versionFunction')
        // The framework says only half of it.
        Resources[id].UpdateReplacePolicy = 'Retain'
        Resources.HttpLive.Properties.FunctionVersion = { 'Fn::GetAtt': [id, 'Version'] }
      },
    }
  }
}
