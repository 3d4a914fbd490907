/** `send --spool` that a signal stops: nothing was sent, and the message is kept. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ARCTUN, Processes, type TestProcess } from '../../support/processes.js';
import { Receiver } from './receiver.js';

let processes: Processes;
let folder: string;
let receiver: Receiver;
beforeEach(async () => {
  processes = new Processes();
  folder = mkdtempSync(join(tmpdir(), 'arctun-stop-send-'));
  receiver = await Receiver.open();
  writeFileSync(join(folder, 'arc.json'), receiver.arcJson);
  chmodSync(join(folder, 'arc.json'), 0o600);
});
afterEach(async () => {
  await processes.close();
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

const start = (...parameters: string[]): TestProcess =>
  processes.start([process.execPath, ARCTUN, ...parameters], { cwd: folder });

it.each<[string, readonly string[], RegExp]>([
  ['waits for the handshake', [], /handshake initiation/],
  // Nothing answers at this address.
  ['dials', ['--forward-to', '100.127.69.43:80'], /opened a tunnel for this command/],
])('keeps the message of a send that %s', async (name, parameters, sign) => {
  if (name === 'dials') receiver.addClient();
  const log = ['--log-level', 'debug', '--wait', '600'];
  const send = start('send', '--spool', 'spool', ...log, ...parameters, 'x');
  await send.output(sign, 'stderr');
  send.kill('SIGINT');
  expect((await send.finished).code).toBe(130);
  const list = await start('spool', 'list', '--spool', 'spool', '--json').finished;
  const [{ id, state }] = JSON.parse(list.stdout) as [{ id: string; state: string }];
  expect(state).toBe('queued');
  expect(send.stderr).toContain(`the spool keeps the message as ${id}, because nothing was sent`);
  expect(receiver.received).toEqual([]);
});
