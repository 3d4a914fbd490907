/** Reads the flags of `npm run smoke lambda`. */
import { readFlags } from '../flags.js';
import { UsageError } from '../smoke-test.js';

export const USAGE = `Usage: npm run smoke lambda -- --role ARN [FLAGS]

Tests arctun's layer on AWS Lambda with the AWS CLI: publishes the layer, creates a function, invokes it 20
times, deletes everything, and writes a report without secrets.

      --role ARN        The execution role of the function, with AWSLambdaBasicExecutionRole. Required.
      --config FILE     The arc.json of a virtual SIM that no other tunnel is using (default arc.json).
      --arch ARCH       x86_64 (default) or arm64.
      --layer FILE      The layer (default build/layers/arctun-lambda-ARCH.zip, from "npm run package layers").
  -y, --yes             Do not ask before anything is created.
  -h, --help            Show this help.

The variables of the AWS CLI, such as AWS_PROFILE and AWS_REGION, choose the account and the region.
`;

const ARCHITECTURES = ['x86_64', 'arm64'];

/**
 * @param {readonly string[]} words
 * @throws {UsageError}
 */
export function readSettings(words) {
  const { help, yes, values } = readFlags(words, ['role', 'config', 'arch', 'layer']);
  const { role = '', config = 'arc.json', arch = 'x86_64' } = values;
  if (!help && !/^arn:[\w-]+:iam::\d{12}:role\/./.test(role)) {
    throw new UsageError(
      '--role must be the ARN of a role, such as arn:aws:iam::ACCOUNT:role/NAME',
    );
  }
  if (!ARCHITECTURES.includes(arch)) throw new UsageError('--arch must be x86_64 or arm64');
  const { layer = `build/layers/arctun-lambda-${arch}.zip` } = values;
  return { help, yes, role, config, arch, layer };
}

/** @typedef {ReturnType<typeof readSettings>} Settings */
