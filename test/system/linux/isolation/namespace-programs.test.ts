import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  endPrograms,
  networkOf,
} from '../../../../src/system/linux/isolation/namespace-programs.js';

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
