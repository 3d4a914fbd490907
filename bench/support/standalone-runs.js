/** Measures the single executable on its own: CPU time until it is up, and memory. */
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

/** A process counts as idle after this many milliseconds without work. */
const IDLE = 2_000;

/** Starts the executable's `up` and waits until it listens. */
export async function startUp(lab, config) {
  const command = ['up', '--mode', 'userspace', '--forward-listen', '127.0.0.1:0', '--json'];
  const state = lab.folder;
  const child = lab.child([lab.programs.executable, ...command, '--config', config], {
    STATE_DIRECTORY: state,
    RUNTIME_DIRECTORY: state,
  });
  const { forward } = JSON.parse(await child.line((line) => line.startsWith('{')));
  return { child, forward };
}

/** Returns the CPU time in ms that a process's current threads have used so far. */
export function cpuSoFar(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  );
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1e6;
}

/** Returns a process's total and unshared memory in MB. */
export function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1]) / 1024;
  return { resident: read('VmRSS'), anonymous: read('RssAnon') };
}

/** Returns the memory of an idle `up`, and its memory after the given number of messages. */
export async function runMemory(lab, config, messages) {
  const { child, forward } = await startUp(lab, config);
  await pause(IDLE);
  const idle = memoryOf(child.pid);
  for (let message = 0; message < messages; message++) await post(forward);
  const behind = memoryOf(child.pid);
  child.kill('SIGTERM');
  await child.ended();
  return { idle, behind };
}

function post(url) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST' }, (response) => {
      response.resume();
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 201) resolve();
        else reject(new Error(`status ${response.statusCode}`));
      });
    });
    sent.on('error', reject);
    sent.end('{"temperature":21.5}');
  });
}
