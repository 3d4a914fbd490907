import { readFileSync } from 'node:fs';

import { jest } from '@jest/globals';
import { ownerLine, runningOwner } from '../../../src/system/process/process-owner.js';
import { describeWith } from '../../support/runner/requirements.js';

const kill = jest.spyOn(process, 'kill');
afterEach(() => kill.mockReset());
afterAll(() => kill.mockRestore());

/** The system's answer to a signal for a process that we may not signal, or that is gone. */
function refuse(code: 'EPERM' | 'ESRCH'): void {
  kill.mockImplementation(() => {
    throw Object.assign(new Error(code), { code });
  });
}

describeWith(['linux'], 'the owner of a file', () => {
  const { ppid } = process;

  /** The line that ownerLine() writes for a process, without its padding. */
  function lineOf(pid: number, ticksLater = 0): string {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]) + ticksLater;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${pid} ${boot} ${ticks}`;
  }

  it('is found if it may be signaled', async () => {
    kill.mockReturnValue(true);
    expect(await runningOwner(lineOf(ppid))).toBe(ppid);
    expect(kill.mock.calls).toEqual([[ppid, 0]]);
  });

  it('is found if it belongs to another user and may not be signaled', async () => {
    refuse('EPERM');
    expect(await runningOwner(lineOf(ppid))).toBe(ppid);
  });

  it('is not found if the process does not exist', async () => {
    refuse('ESRCH');
    expect(await runningOwner(lineOf(ppid))).toBeUndefined();
  });

  it('is not found if another process has its ID now', async () => {
    kill.mockReturnValue(true);
    expect(await runningOwner(lineOf(ppid, 1))).toBeUndefined();
    expect(await runningOwner(`${ppid} another-boot 1`)).toBeUndefined();
  });

  it('is not found if it is this process', async () => {
    const line = (await ownerLine()).trimEnd();
    expect(line).toBe(lineOf(process.pid));
    expect(await runningOwner(line)).toBeUndefined();
  });

  it.each(['', 'x', '0 boot 1', '-1 boot 1'])('is not found in %p', async (line) => {
    kill.mockReturnValue(true);
    expect(await runningOwner(line)).toBeUndefined();
  });
});
