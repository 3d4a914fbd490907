/** The Telemetry API: subscribers receive events in batches. */
import { describeWith, LAMBDA_SANDBOX } from '../../runner/requirements.js';
import { freePort, Sandboxes, toldBy } from '../probe.js';
import { nodeFunction } from './runtimes.js';

describeWith(LAMBDA_SANDBOX, 'the Telemetry API', () => {
  const sandboxes = new Sandboxes();

  afterEach(() => sandboxes.close());

  it('delivers the events of the platform, and the lines of the function and of extensions', async () => {
    const telemetryPort = await freePort();
    // The runtime starts after the subscription, so that the subscriber misses no event.
    const subscribed = sandboxes.gate();
    const held = `until [ -e "$1" ]; do sleep 0.02; done; exec "$2" "$3"`;
    const { command, args = [] } = nodeFunction('echo').runtime;
    const runtime = {
      command: 'sh',
      args: ['-c', held, 'sh', subscribed.path, command, ...args],
    };
    const sandbox = await sandboxes.start({ probe: { telemetryPort } }, { runtime });
    await sandbox.said('probe', /^subscribed /m);
    subscribed.open();
    await sandbox.invoke({ do: 'log' });
    await sandbox.said('probe', /telemetry .*platform\.report/);
    await sandbox.said('probe', /telemetry .*"function"/);
    expect(toldBy(sandbox, 'probe', 'subscribed')).toEqual([{ status: 200, body: '"OK"' }]);
    const types = (toldBy(sandbox, 'probe', 'telemetry') as string[][]).flat();
    const platform = types.filter((type) => type.startsWith('platform.'));
    expect(platform).toEqual([
      'platform.telemetrySubscription',
      'platform.initRuntimeDone',
      'platform.extension',
      'platform.initReport',
      'platform.start',
      'platform.runtimeDone',
      'platform.report',
    ]);
    expect(types).toContain('extension');
  });

  it('reports if it is not supported', async () => {
    const telemetryPort = await freePort();
    const telemetry = 'unsupported' as const;
    const sandbox = await sandboxes.start({ probe: { telemetryPort } }, { telemetry });
    await sandbox.initialized();
    expect(toldBy(sandbox, 'probe', 'subscribed')).toMatchObject([{ status: 202 }]);
  });
});
