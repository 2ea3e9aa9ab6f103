'use strict'

/** As aws/infra/bootstrap/deploy-role.yml takes them: without a hyphen, which ends a stage's name in all that bears it. */
const stageName = /^[a-z][a-z0-9]{1,15}$/

/** A plugin of the framework: a stage `dev-x` would lie within the reach of the roles of `dev`, so none has such a name. */
module.exports = class StageName {
  constructor({ service }) {
    this.hooks = {
      initialize: () => {
        const { stage } = service.provider
        if (!stageName.test(stage))
          throw new Error(`A stage cannot be called ${stage}: take 2 to 16 small letters and digits, a letter first`)
      },
    }
  }
}
