/** The real `status` and `health`, with a tunnel of the test. */
import { chmodSync } from 'node:fs';

import { OfferedStatus } from '../support/fakes/offered-status.js';
import { ARCTUN, type Finished, Processes, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { CONNECTING, PEER_STATUS, TUNNEL_STATUS } from '../support/fakes/status-report.js';
import { itInRelease } from '../support/runner/tier.js';

const ESCAPE = '\x1b';

const processes = new Processes();
let tunnel: OfferedStatus;

beforeEach(() => {
  tunnel = new OfferedStatus();
});
afterEach(() => tunnel.close());
afterAll(() => processes.close());

const inFolder = () => ({ env: { RUNTIME_DIRECTORY: tunnel.folder } });
const command = (...parameters: string[]) => [process.execPath, ARCTUN, ...parameters];

function arctun(...parameters: string[]): Promise<Finished> {
  return processes.run(command(...parameters), inFolder());
}

function start(...parameters: string[]): TestProcess {
  return processes.start(command(...parameters), inFolder());
}

describe('status', () => {
  itInRelease.each([['status'], ['s']])('as %s shows a tunnel that is up', async (name) => {
    await tunnel.open();
    const { code, stdout, stderr } = await arctun(name);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^interface: soratun0 \(userspace\)\n {2}public key: .{44}\n/);
    expect(stdout).toContain('\n  private key: (hidden)\n  listening port: 40001\n');
    expect(stdout).toContain('\n  handshake age: ');
  });

  itInRelease('prints soratun’s message if there is no device, and exits with 1', async () => {
    await expect(arctun('status')).resolves.toEqual({
      code: 1,
      stdout: 'no SORACOM Arc device found\n',
      stderr: '',
    });
    await expect(arctun('status', '--json')).resolves.toMatchObject({ code: 1, stdout: '[]\n' });
  });

  it('exits with 5 for a tunnel without a handshake', async () => {
    tunnel.status = () => Promise.resolve({ ...TUNNEL_STATUS, ...CONNECTING });
    await tunnel.open();
    const { code, stdout } = await arctun('status', '--json');
    expect(code).toBe(5);
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'soratun0', health: 'connecting' }]);
  });

  itInRelease('exits with 5 for a tunnel that does not answer, and reports it', async () => {
    await tunnel.open({ tunnel: () => undefined });
    await expect(arctun('status')).resolves.toEqual({
      code: 5,
      stdout: '',
      stderr: `cannot query ${tunnel.folder}/soratun0.sock: the tunnel is not open yet\n`,
    });
  });

  itInRelease('refuses an interval without --watch', async () => {
    const { code, stderr } = await arctun('status', '5');
    expect(code).toBe(2);
    expect(stderr).toContain('arctun status --watch 5');
  });

  it('watches with one JSON line per view, with rates, and exits with 0', async () => {
    let sentBytes = 0;
    tunnel.status = () =>
      Promise.resolve({
        ...TUNNEL_STATUS,
        peers: [{ ...PEER_STATUS, sentBytes: (sentBytes += 1_000) }],
      });
    await tunnel.open();
    const watching = start('status', '--watch', '1', '--json');
    await watching.output(/\n.*\n/);
    watching.kill('SIGINT');
    const { code, stdout, stderr } = await watching.finished;
    expect([code, stderr]).toEqual([0, '']);
    const [first, second] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as [{ peers: [object] }])[0].peers[0]);
    expect(first).not.toHaveProperty('sentBytesPerSecond');
    expect(second).toHaveProperty('sentBytesPerSecond');
  });

  itInRelease('watches as plain text without a terminal, even before a tunnel exists', async () => {
    const watching = start('status', '--watch', '1');
    await watching.output(/Z, every 1 s\n\nno SORACOM Arc device found\n/);
    await tunnel.open();
    await watching.output(/\n {2}rate: 0 B\/s received, 0 B\/s sent\n/);
    watching.kill('SIGINT');
    const { code, stdout } = await watching.finished;
    expect(code).toBe(0);
    expect(stdout).not.toContain(ESCAPE);
  });
});

describeWith(['script'], 'status on a terminal', () => {
  itInRelease('redraws the view, and restores the terminal', async () => {
    await tunnel.open();
    const line = `exec ${command('status', '--watch', '1').join(' ')}`;
    const watching = processes.start(['script', '-qec', line, '/dev/null'], {
      env: { RUNTIME_DIRECTORY: tunnel.folder, TERM: 'xterm' },
      interactive: true,
    });
    await watching.output(new RegExp(`${ESCAPE}\\[H.*${ESCAPE}\\[H`, 's'));
    watching.type('\x03');
    const { code, stdout } = await watching.finished;
    expect(code).toBe(0);
    const parts = stdout.split(ESCAPE);
    expect(parts.slice(0, 3)).toEqual(['', '[?1049h', '[?25l']);
    expect(parts[3]).toMatch(/^\[H2\d{3}-.*Z, every 1 s$/);
    expect(parts.slice(-2)).toEqual(['[?25h', '[?1049l']);
  });
});

describe('health', () => {
  it('prints one line, and sets the exit code', async () => {
    await expect(arctun('health')).resolves.toEqual({
      code: 1,
      stdout: 'none: no "arctun up" is running\n',
      stderr: '',
    });
    await tunnel.open();
    await expect(arctun('health')).resolves.toEqual({
      code: 0,
      stdout: 'soratun0: up\n',
      stderr: '',
    });
    tunnel.status = () => Promise.resolve({ ...TUNNEL_STATUS, ...CONNECTING });
    await expect(arctun('health')).resolves.toEqual({
      code: 5,
      stdout: 'soratun0: connecting: 192.0.2.1:11010 has not answered 3 handshake initiations\n',
      stderr: '',
    });
  });

  itInRelease('requires a name if there are several tunnels, and prints JSON', async () => {
    await tunnel.open();
    await tunnel.open({ pid: 4712 });
    const { code, stderr } = await arctun('health');
    expect(code).toBe(2);
    expect(stderr).toContain('several tunnels are running: soratun0, soratun0-4712');
    await expect(arctun('health', '--interface', 'soratun0-4712', '--json')).resolves.toMatchObject(
      {
        code: 0,
        stdout: '{"health":"up","name":"soratun0-4712","why":null,"hasRival":false}\n',
      },
    );
  });

  itInRelease('reports that a data path hangs, and exits with 5', async () => {
    tunnel.status = () => new Promise(() => undefined);
    await tunnel.open();
    await expect(arctun('health')).resolves.toMatchObject({
      code: 5,
      stdout: 'soratun0: silent: the data path did not answer within 2.5 s\n',
    });
  });
});

describeWith(['root', 'setpriv'], 'for another user', () => {
  it('does not query a tunnel', async () => {
    await tunnel.open();
    chmodSync(tunnel.folder, 0o755);
    for (const name of ['status', 'health']) {
      const user = ['setpriv', '--reuid=1987654321', '--regid=1987654321', '--clear-groups'];
      const { code, stderr } = await processes.run([...user, ...command(name)], inFolder());
      expect([name, code]).toEqual([name, 6]);
      expect(stderr).toContain('permission denied: the socket is owned by root');
    }
  });
});
