import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  endPrograms,
  holdNetwork,
  networkOf,
} from '../../../../src/system/linux/isolation/namespace-programs.js';
import { describeWith } from '../../../support/runner/requirements.js';
import { until } from '../../../support/until.js';

let proc: string;

beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'arctun-proc-'));
});
afterEach(() => rmSync(proc, { recursive: true }));

function add(pid: number, network: string): void {
  mkdirSync(join(proc, `${pid}/ns`), { recursive: true });
  symlinkSync(network, join(proc, `${pid}/ns/net`));
}

it('kills only the other processes in the namespace, also those that they start meanwhile', async () => {
  add(1, 'net:[1]');
  add(10, 'net:[2]');
  add(11, 'net:[2]');
  mkdirSync(join(proc, '12'));
  mkdirSync(join(proc, 'sys'));
  const killed: number[] = [];
  const kill = (pid: number): void => {
    killed.push(pid);
    rmSync(join(proc, String(pid)), { recursive: true });
    if (pid === 11) add(13, 'net:[2]');
  };
  await endPrograms('net:[2]', { proc, kill, self: 10 });
  expect(killed).toEqual([11, 13]);
  expect(await networkOf(1, proc)).toBe('net:[1]');
});

it('does not kill a process that has got the ID of another one', async () => {
  add(11, 'net:[2]');
  add(12, 'net:[2]');
  const killed: number[] = [];
  const kill = (pid: number): void => {
    killed.push(pid);
    for (const name of ['11', '12']) rmSync(join(proc, name), { recursive: true });
    add(12, 'net:[1]');
  };
  await endPrograms('net:[2]', { proc, kill, self: 10 });
  expect(killed).toEqual([11]);
});

it('gives up on processes that cannot be killed', async () => {
  add(11, 'net:[2]');
  let calls = 0;
  const kill = () => {
    calls++;
    throw new Error('EPERM');
  };
  await endPrograms('net:[2]', { proc, kill, self: 10 });
  expect(calls).toBe(50);
});

describeWith(['root', 'unshare'], 'a held network namespace', () => {
  it('ends its programs, and keeps its ID until then', async () => {
    const program = spawn('unshare', ['--net', 'sleep', '60'], { stdio: 'ignore' });
    const ended = once(program, 'exit');
    const own = await networkOf('self');
    await until(async () => (await networkOf(program.pid!)) !== own);
    const network = await networkOf(program.pid!);
    const held = await holdNetwork(network);
    program.kill('SIGKILL');
    await ended;
    for (let count = 0; count < 20; count++) {
      const other = spawnSync('unshare', ['--net', 'readlink', '/proc/self/ns/net']);
      expect(String(other.stdout).trim()).not.toBe(network);
    }
    await held?.endPrograms();
  });

  it('is undefined without a process', async () => {
    expect(await holdNetwork('net:[1]')).toBeUndefined();
  });
});
