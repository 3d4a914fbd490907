import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import {
  CommandError,
  type CommandResult,
  type CommandRunner,
} from '../../../../src/ports/command-runner.js';
import {
  isolationObstacle,
  UNSHARE,
} from '../../../../src/system/linux/isolation/isolation-obstacle.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'arctun-obstacle-'));
  write('dev/net/tun', '');
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** @param outcome what unshare does */
function obstacle(outcome: Partial<CommandResult> | CommandError): Promise<unknown> {
  const commands: CommandRunner = {
    run: (command) => {
      expect(command).toEqual([...UNSHARE, 'true']);
      if (outcome instanceof CommandError) return Promise.reject(outcome);
      return Promise.resolve({ exitCode: 0, stdout: '', stderr: '', ...outcome });
    },
  };
  return isolationObstacle(commands, { dev: join(root, 'dev'), proc: join(root, 'proc') });
}

const DENIED = { exitCode: 1, stderr: 'unshare: unshare failed: Operation not permitted\n' };
const REASON = 'unshare: unshare failed: Operation not permitted';

it('finds no obstacle if unshare succeeds', async () => {
  write('proc/sys/kernel/apparmor_restrict_unprivileged_userns', '1\n');
  expect(await obstacle({})).toBeUndefined();
});

it('reports a missing /dev/net/tun', async () => {
  rmSync(join(root, 'dev/net/tun'));
  expect(await obstacle({})).toEqual({ kind: 'no-tun' });
});

it('reports a missing unshare, and one without the options', async () => {
  expect(await obstacle(new CommandError('not-found', 'not found'))).toEqual({
    kind: 'no-unshare',
  });
  const stderr = "unshare: unrecognized option '--map-current-user'";
  expect(await obstacle({ exitCode: 1, stderr })).toEqual({ kind: 'old-unshare' });
});

it.each([
  ['kernel.unprivileged_userns_clone', '0', '1'],
  ['user.max_user_namespaces', '0', '10000'],
  ['user.max_net_namespaces', '0', '10000'],
  ['user.max_mnt_namespaces', '0', '10000'],
  ['kernel.apparmor_restrict_unprivileged_userns', '1', '0'],
])('names the setting %s', async (name, value, wanted) => {
  write(`proc/sys/${name.replace('.', '/')}`, `${value}\n`);
  const found = { kind: 'setting', name, value, wanted, reason: REASON };
  expect(await obstacle(DENIED)).toEqual(found);
  write(`proc/sys/${name.replace('.', '/')}`, `${wanted}\n`);
  expect(await obstacle(DENIED)).toMatchObject({ kind: 'refused' });
});

it.each([
  ['Seccomp:\t2\n', true],
  ['Seccomp:\t0\n', false],
])('reports a refusal with the status %j', async (status, isFiltered) => {
  write('proc/self/status', `Name:\tnode\n${status}`);
  expect(await obstacle(DENIED)).toEqual({ kind: 'refused', reason: REASON, isFiltered });
});

it('reports another failure of unshare', async () => {
  const timeout = new CommandError('timeout', 'unshare: timed out');
  const found = { kind: 'refused', reason: 'unshare: timed out', isFiltered: false };
  expect(await obstacle(timeout)).toEqual(found);
});
