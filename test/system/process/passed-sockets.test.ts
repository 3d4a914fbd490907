import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { takePassedSockets } from '../../../src/system/process/passed-sockets.js';
import { Processes, REPOSITORY } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';

const OWN = { LISTEN_PID: '42', LISTEN_FDS: '2', LISTEN_FDNAMES: 'forward:proxy' };
const taken = (env: Record<string, string | undefined>) =>
  takePassedSockets(env, 42).map(({ fd, name }) => [fd, name]);

it('returns the descriptors with their names, and removes the variables', () => {
  const env = { ...OWN, LISTEN_PIDFDID: '7', PATH: '/' };
  expect(taken(env)).toEqual([
    [3, 'forward'],
    [4, 'proxy'],
  ]);
  expect(env).toEqual({ PATH: '/' });
});

it('returns nothing that was meant for another process, and removes the variables', () => {
  const env = { ...OWN, LISTEN_PID: '43', PATH: '/' };
  expect(taken(env)).toEqual([]);
  expect(env).toEqual({ PATH: '/' });
  expect(taken({ ...OWN, LISTEN_PID: undefined })).toEqual([]);
});

it.each(['0', '', '-1', '1.5', 'two', '0x2', '1000000000'])(
  'returns nothing if LISTEN_FDS is %j',
  (count) => {
    expect(taken({ ...OWN, LISTEN_FDS: count })).toEqual([]);
  },
);

it('calls sockets without a name "unknown", as systemd does', () => {
  expect(taken({ ...OWN, LISTEN_FDNAMES: undefined })).toEqual([
    [3, 'unknown'],
    [4, 'unknown'],
  ]);
  expect(taken({ ...OWN, LISTEN_FDNAMES: ':proxy' })).toEqual([
    [3, 'unknown'],
    [4, 'proxy'],
  ]);
});

it('is by default that of the process', () => {
  process.env.LISTEN_PID = String(process.pid);
  process.env.LISTEN_FDS = '1';
  expect(takePassedSockets()).toMatchObject([{ fd: 3, name: 'unknown' }]);
  expect(process.env.LISTEN_FDS).toBeUndefined();
});

describeWith(['linux', 'systemd-socket-activate', 'curl'], 'a Unix socket', () => {
  it('has the path at which it is bound', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arctun passed-'));
    const processes = new Processes();
    try {
      const path = join(folder, 'a [b].sock');
      const script = `
        import { takePassedSockets } from '${REPOSITORY}dist/src/system/process/passed-sockets.js';
        console.log(JSON.stringify(takePassedSockets()));`;
      const started = processes.start([
        ...['systemd-socket-activate', '--listen', path, '--fdname', 'forward'],
        ...[process.execPath, '--input-type=module', '-e', script],
      ]);
      await started.output(/Listening on/, 'stderr');
      processes.start(['curl', '-s', '--unix-socket', path, 'http://localhost/']);
      const { stdout } = await started.finished;
      expect(JSON.parse(stdout)).toEqual([{ fd: 3, name: 'forward', path }]);
    } finally {
      await processes.close();
      rmSync(folder, { recursive: true });
    }
  });
});
