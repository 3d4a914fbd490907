/** The main job of a released program: it creates a SIM, opens a tunnel and sends messages. */
import { type EmulatorProcess, emulatorAt } from '../emulator-process.js';
import type { TestProcess } from '../processes.js';
import { until } from '../until.js';
import { VERSION_LINE } from './files.js';

/** Starts the program with these words. */
export type Start = (words: readonly string[], env?: NodeJS.ProcessEnv) => TestProcess;

/** Milliseconds until a program that qemu runs is ready. */
const READY = 120_000;
const LISTEN = ['--forward-listen=127.0.0.1:0', '--proxy-listen=127.0.0.1:0'];

/**
 * @param start starts the program under test
 * @param config the path of the new arc.json
 * @param options.native starts the program that runs the emulator and creates the SIM; default `start`
 */
export async function doMainJob(
  start: Start,
  config: string,
  options: { readonly native?: Start } = {},
): Promise<void> {
  const { native = start } = options;
  expect(await start(['version']).finished).toEqual({ code: 0, stdout: VERSION_LINE, stderr: '' });
  const emulator = await startEmulator(native);
  try {
    const created = native(['bootstrap', 'authkey', '--config', config], emulator.env).finished;
    expect(await created).toMatchObject({ code: 0 });
    await carryMessages(start, config, emulator);
  } finally {
    emulator.process.kill('SIGKILL');
    await emulator.process.finished;
  }
}

async function startEmulator(start: Start): Promise<EmulatorProcess> {
  const started = start([
    ...['emulator', '--api-listen', '127.0.0.1:0', '--arc-listen', '127.0.0.1:0', '--json'],
  ]);
  return emulatorAt(started);
}

/** Sends one message through `up`, and one with `send`. */
export async function carryMessages(
  start: Start,
  config: string,
  emulator: Pick<EmulatorProcess, 'messages'>,
): Promise<void> {
  const before = (await emulator.messages()).length;
  const up = start(['up', '--config', config, '--mode', 'userspace', '--json', ...LISTEN]);
  const [line] = await up.output(/^\{.*\}$/m, 'stdout', READY);
  const { forward } = JSON.parse(line) as { readonly forward: string };
  const answer = await fetch(forward, { method: 'POST', body: '"through up"' });
  expect(answer.status).toBe(201);
  // On a slow machine, `up` in qemu may answer too late.
  const isHealthy = async () => (await start(['health']).finished).stdout === 'soratun0: up\n';
  await until(isHealthy, { what: 'up is healthy', limit: READY });
  up.kill('SIGTERM');
  expect(await up.finished).toMatchObject({ code: 0 });
  const sent = await start(['send', '"by send"', '--config', config]).finished;
  expect(sent).toMatchObject({ code: 0 });
  const bodies = (await emulator.messages()).slice(before).map(({ body }) => body);
  expect(bodies).toEqual(['"through up"', '"by send"']);
}
