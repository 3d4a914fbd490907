/** What the processes of a sandbox can see, write and use. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describeWith, LAMBDA_PRIVATE_ROOT, LAMBDA_SANDBOX } from '../../runner/requirements.js';
import { Sandboxes, toldBy } from '../probe.js';
import { FUNCTIONS, nodeFunction } from '../apis/runtimes.js';
import { LambdaSandbox } from '../sandbox.js';

const HIDDEN = [
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_XRAY_DAEMON_ADDRESS',
  'LAMBDA_RUNTIME_DIR',
  'LAMBDA_TASK_ROOT',
  '_HANDLER',
  '_OWN',
];
const USER = 993;

const sandboxes = new Sandboxes();

afterEach(() => sandboxes.close());

describeWith(LAMBDA_SANDBOX, 'the environment of an extension', () => {
  it('contains what Lambda passes on; the runtime’s contains everything', async () => {
    const env = { NODE_OPTIONS: '--no-warnings', OWN: 'customer', _OWN: 'customer' };
    const sandbox = await sandboxes.start({ probe: {} }, { env, memoryMb: 256 });
    const runtime = await environmentOfRuntime(sandbox);
    const [extension] = toldBy(sandbox, 'probe', 'environment') as [Record<string, string>];
    expect(Object.keys(runtime)).toEqual(expect.arrayContaining([...HIDDEN, 'NODE_OPTIONS']));
    const through = Object.entries(runtime).filter(
      ([name]) => !HIDDEN.includes(name) && !/^(_|AWS_XRAY_)/.test(name),
    );
    expect(extension).toEqual(Object.fromEntries(through));
    expect(extension).toMatchObject({
      AWS_LAMBDA_RUNTIME_API: sandbox.address,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      NODE_OPTIONS: '--no-warnings',
      OWN: 'customer',
    });
    // The test runner's variables are absent.
    expect(extension.HOME).toBeUndefined();
    expect(extension.JEST_WORKER_ID).toBeUndefined();
  });

  it('is named after its file, in a folder opt/extensions', async () => {
    const sandbox = await sandboxes.start({ probe: {} });
    await sandbox.initialized();
    const [{ path }] = toldBy(sandbox, 'probe', 'started') as [{ path: string }];
    expect(path).toMatch(/^\/.*\/opt\/extensions\/probe$/);
  });
});

describeWith(LAMBDA_PRIVATE_ROOT, 'a root of the sandbox’s own', () => {
  it('has /opt/extensions, /var/task and /var/lang/bin/node, and is writable only in /tmp', async () => {
    const script = `
      for folder in / /opt /var/task /etc /usr /run; do
        if touch "$folder/mark" 2>/dev/null; then echo "may write $folder"; fi
      done
      touch /tmp/mark && ls /tmp /opt/extensions && getent hosts sandbox.localdomain && exec node "$1"
    `;
    const runtime = join(FUNCTIONS, 'runtime.mjs');
    const sandbox = await sandboxes.start(
      { probe: {} },
      {
        privateRoot: true,
        runtime: { command: 'bash', args: ['-c', script, 'sh', runtime] },
      },
    );
    const env = await environmentOfRuntime(sandbox);
    expect(env.LAMBDA_TASK_ROOT).toBe('/var/task');
    const [started] = toldBy(sandbox, 'probe', 'started');
    // Not even root can write.
    expect(started).toEqual({ path: '/opt/extensions/probe', cwd: '/', uid: 0 });
    const said = sandbox.output('runtime');
    expect(said).not.toContain('may write');
    expect(said).toMatch(/^mark$/m);
    expect(said).toMatch(/^probe$/m);
    expect(said).toMatch(/^127\.0\.0\.1 +sandbox\.localdomain/m);
  });

  it('keeps /tmp when the processes are restarted', async () => {
    const script = 'ls /tmp; touch /tmp/kept; exec node "$1"';
    const sandbox = await sandboxes.start(
      { probe: {} },
      {
        privateRoot: true,
        runtime: { command: 'bash', args: ['-c', script, 'sh', join(FUNCTIONS, 'runtime.mjs')] },
      },
    );
    await sandbox.invoke({ do: 'crash' });
    expect(sandbox.output('runtime')).not.toContain('kept');
    await sandbox.invoke({});
    expect(sandbox.output('runtime')).toContain('kept');
  });

  it('shows an unpacked layer in /opt', async () => {
    const layer = mkdtempSync(join(tmpdir(), 'layer-'));
    try {
      mkdirSync(join(layer, 'extensions'));
      mkdirSync(join(layer, 'bin'));
      symlinkSync(join(FUNCTIONS, 'probe.mjs'), join(layer, 'extensions/probe'));
      writeFileSync(join(layer, 'bin/beside'), '');
      const sandbox = await LambdaSandbox.start({
        ...nodeFunction('echo'),
        runtime: { command: 'bash', args: ['-c', 'ls /opt/bin /opt/extensions; exec sleep 600'] },
        layer,
        privateRoot: true,
      });
      try {
        await sandbox.said('runtime', /beside[^]*probe/);
        // The runtime may start before the probe has written the response.
        await sandbox.said('probe', /registered/);
        expect(toldBy(sandbox, 'probe', 'registered')).toMatchObject([{ status: 200 }]);
      } finally {
        await sandbox.close();
      }
    } finally {
      rmSync(layer, { recursive: true, force: true });
    }
  });

  it('works with another user, and leaves nothing behind', async () => {
    const sandbox = await sandboxes.start({ probe: {} }, { privateRoot: true, uid: USER });
    await sandbox.initialized();
    expect(toldBy(sandbox, 'probe', 'started')).toMatchObject([{ uid: USER }]);
    await sandbox.close();
    expect(existsSync(sandbox.folder)).toBe(false);
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(sandbox.folder);
  });
});

describeWith(
  [...LAMBDA_PRIVATE_ROOT, 'faketime'],
  'a root of the sandbox’s own and a clock',
  () => {
    it('works with another user and a clock that jumps, and leaves nothing behind', async () => {
      const options = { privateRoot: true, uid: USER, fakeClock: true };
      const sandbox = await sandboxes.start({ probe: {} }, options);
      await sandbox.initialized();
      expect(toldBy(sandbox, 'probe', 'started')).toMatchObject([{ uid: USER }]);
      sandbox.jumpClock(3_600_000);
      await sandbox.invoke({});
      const [event] = toldBy(sandbox, 'probe', 'INVOKE') as [{ wall: number }];
      expect(event.wall - Date.now()).toBeGreaterThan(1_800_000);
      await sandbox.close();
      expect(existsSync(sandbox.folder)).toBe(false);
      expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(sandbox.folder);
    });
  },
);

describeWith([...LAMBDA_SANDBOX, 'memory-cgroup'], 'a memory limit', () => {
  it('ends a process that uses more', async () => {
    const sandbox = await sandboxes.start(
      {},
      {
        memoryLimitMb: 64,
        // tail buffers input that has no newline.
        runtime: { command: 'bash', args: ['-c', 'head -c 200M /dev/zero | exec -a hungry tail'] },
      },
    );
    expect(await sandbox.initialized()).toMatchObject({
      error: {
        errorType: 'Runtime.ExitError',
        errorMessage: expect.stringMatching(/137|SIGKILL/) as string,
      },
    });
  });
});

async function environmentOfRuntime(sandbox: LambdaSandbox): Promise<Record<string, string>> {
  const { response } = await sandbox.invoke({ do: 'environment' });
  return JSON.parse(response!) as Record<string, string>;
}
