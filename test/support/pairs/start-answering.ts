import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

import type { Processes, TestProcess } from '../processes.js';

/**
 * On a busy machine wireguard-go has been seen to hang before it had its interface, for good: it is
 * started again then.
 */
const STARTS = 3;
/** Milliseconds for each. */
const PATIENCE = 10_000;
const INTERVAL = 50;

/**
 * Starts a process and waits until it answers.
 *
 * @throws Error with what it said, and where in the kernel it stood
 */
export async function startAnswering(
  processes: Processes,
  command: readonly string[],
  answers: () => Promise<boolean>,
): Promise<TestProcess> {
  const hung: string[] = [];
  for (let start = 0; start < STARTS; start++) {
    const started = processes.start(command);
    for (const until = performance.now() + PATIENCE; performance.now() < until;) {
      if (await answers()) return started;
      await pause(INTERVAL);
    }
    hung.push(`${started.stderr} ${whereItStands(started.child.pid)}`);
    started.kill('SIGKILL');
    await started.finished;
  }
  throw new Error(`${command.join(' ')} does not answer: ${hung.join('; ')}`);
}

/** What each of its threads waits for. */
function whereItStands(pid: number | undefined): string {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.map((id) => readFileSync(`/proc/${pid}/task/${id}/wchan`, 'utf8')).join(' ');
  } catch (error) {
    return (error as Error).message;
  }
}
