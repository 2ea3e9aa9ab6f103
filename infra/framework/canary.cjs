'use strict'

/** What its name begins with is the framework's; what follows is a digest of code and configuration. */
const version = /^HttpLambdaVersion/
const alarms = ['CanaryErrorsAlarm', 'CanaryLatencyAlarm']

/**
 * A plugin of the framework: the alias `live` names the version that was packaged, whose name nobody knows beforehand, and
 * the alarms of the canary look at that version. An alias that went on naming the latest would have no version to go back to.
 */
module.exports = class Canary {
  constructor({ service }) {
    this.hooks = {
      'after:aws:package:finalize:mergeCustomProviderResources': () => {
        const { Resources } = service.provider.compiledCloudFormationTemplate
        const id = Object.keys(Resources).find((name) => version.test(name))
        if (id === undefined) throw new Error('The function `http` has no version: set versionFunction')
        const packaged = { 'Fn::GetAtt': [id, 'Version'] }
        // The framework says only half of it.
        Resources[id].UpdateReplacePolicy = 'Retain'
        Resources.HttpLive.Properties.FunctionVersion = packaged
        for (const { MetricStat } of alarms.flatMap((alarm) => Resources[alarm].Properties.Metrics))
          for (const dimension of MetricStat?.Metric.Dimensions ?? [])
            if (dimension.Value === '$LATEST') dimension.Value = packaged
      },
    }
  }
}
