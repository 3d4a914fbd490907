/** `npx cdk deploy`, with optional `-c architecture=arm64`, `-c secret=NAME`, `-c concurrency=N`. */
import { App } from 'aws-cdk-lib';

import { SendingStack } from './sending-stack.js';

const app = new App();
const context = (name: string) => app.node.tryGetContext(name) as string | undefined;

new SendingStack(app, 'ArctunSending', {
  layerZip: 'arctun-lambda.zip',
  functionFolder: '../function',
  architecture: context('architecture') === 'arm64' ? 'arm64' : 'x86_64',
  secretName: context('secret'),
  concurrency: Number(context('concurrency') ?? 1),
});
