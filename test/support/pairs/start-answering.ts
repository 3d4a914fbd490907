import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

import type { Processes, TestProcess } from '../processes.js';

/**
 * The number of start attempts. On a busy machine wireguard-go sometimes hangs before it has
 * created its interface, so it is restarted.
 */
const STARTS = 3;
/** Milliseconds for each attempt. */
const PATIENCE = 10_000;
const INTERVAL = 50;

/**
 * Starts a process and waits until it responds.
 *
 * @throws Error with the process's output and the kernel functions in which its threads wait
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

/** Describes what each thread of the process waits for. */
function whereItStands(pid: number | undefined): string {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.map((id) => readFileSync(`/proc/${pid}/task/${id}/wchan`, 'utf8')).join(' ');
  } catch (error) {
    return (error as Error).message;
  }
}
