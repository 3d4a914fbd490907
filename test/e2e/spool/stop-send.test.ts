/** `send --spool` and `spool send` that a signal stops. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Spool } from '../../../src/proxy/spool/spool.js';
import { formatMessage, requestBytes } from '../../../src/proxy/spool/spooled-message.js';
import { systemWallClock } from '../../../src/system/clock.js';
import { systemEntropy } from '../../../src/system/entropy.js';
import { openSpoolFolder } from '../../../src/system/files/spool-folder.js';
import { ARCTUN, Processes, type TestProcess } from '../../support/processes.js';
import { Receiver, SERVICE } from './receiver.js';

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

it('exits by the signal, and begins no further message of "spool send"', async () => {
  receiver.addClient();
  const spool = await openedSpool();
  const requests = ['a', 'b'].map((text) => ({ target: SERVICE, request: request(text) }));
  // Nothing answers at this address. Its message waits from the beginning.
  const other = { target: { host: '100.127.69.43', port: 80 }, request: request('c') };
  for (const message of [...requests, other]) await spool.keep(formatMessage(message));
  const send = start('spool', 'send', '--spool', 'spool');
  receiver.onMessage = async () => {
    send.kill('SIGINT');
    await send.finished;
  };
  expect((await send.finished).code).toBe(130);
  expect(send.stderr).toContain('not all messages were sent (delivered: 0, set aside: 1)');
  expect((await spool.list()).map(({ state }) => state)).toEqual(['unknown', 'queued', 'queued']);
  expect(receiver.received).toEqual(['a']);
});

const request = (text: string) =>
  requestBytes({ method: 'POST', path: '/', headers: [], body: Buffer.from(text) }, SERVICE);

/** The spool of the commands, which is used only while none of them runs. */
async function openedSpool(): Promise<Spool> {
  const ports = {
    folder: await openSpoolFolder(join(folder, 'spool')),
    wallClock: systemWallClock,
    entropy: systemEntropy,
  };
  return new Spool(ports, { messages: 10, bytes: 10_000 });
}
