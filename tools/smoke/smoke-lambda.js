/**
 * Tests arctun's layer on AWS Lambda with the AWS CLI, and writes a report that can be pasted into an
 * issue. Deletes what it created, even after a failure. `--help` lists the flags.
 */
import { FunctionRun, NAME } from './lambda/function-run.js';
import { lambdaSteps } from './lambda/lambda-steps.js';
import { readSettings, USAGE } from './lambda/settings.js';
import { smokeTest } from './smoke-test.js';

const PLAN = `This test uses your AWS account, with the AWS CLI:

  1. It deletes the function, the layer and the log group with the name ${NAME}, if earlier runs left them.
  2. It publishes a layer and creates a function with this name. The function's package contains arc.json
     with the key of the SIM, until the function is deleted.
  3. It invokes the function 20 times, with 256 MB of memory. AWS bills the duration of the invocations, and
     SORACOM bills 20 messages.
  4. It deletes the function, the layer and the log group.

No other tunnel may use the SIM during the test.
`;

process.exitCode = await smokeTest({
  name: 'lambda',
  title: 'First contact of arctun with AWS Lambda',
  usage: USAGE,
  plan: PLAN,
  question: `Create the function ${NAME}, which AWS bills?`,
  readSettings,
  begin(settings, { show }) {
    const run = new FunctionRun(settings);
    return {
      steps: lambdaSteps(run, show),
      redaction: run.redaction,
      about: () => [],
      remains() {
        run.forget();
        if (!run.mayRemain) return undefined;
        return ['Something may remain on AWS. Delete it:', ...run.deleteCommands].join('\n  ');
      },
    };
  },
});
