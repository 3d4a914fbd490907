import { runLambda } from '../../../src/cli/run/run-lambda.js';

it('refuses to run outside Lambda, with a sentence instead of a line of JSON', async () => {
  await expect(runLambda({ config: 'arc.json' })).rejects.toMatchObject({
    kind: 'usage',
    what: 'cannot run as a Lambda extension',
  });
});
