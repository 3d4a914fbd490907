/** `up --spool` as a process: what it keeps, who may use the folder, and what other commands show. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ARCTUN, type Finished, Processes, type TestProcess } from '../../support/processes.js';
import { until } from '../../support/until.js';
import { Receiver } from './receiver.js';
import { itInRelease } from '../../support/runner/tier.js';

let processes: Processes;
let folder: string;
let receiver: Receiver;
beforeEach(async () => {
  processes = new Processes();
  folder = mkdtempSync(join(tmpdir(), 'arctun-up-spool-'));
  receiver = await Receiver.open();
  writeConfig('arc.json', receiver.arcJson);
});
afterEach(async () => {
  await processes.close();
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

function writeConfig(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
  chmodSync(join(folder, name), 0o600);
}

const start = (...parameters: string[]): TestProcess =>
  processes.start([process.execPath, ARCTUN, ...parameters], { cwd: folder });
const run = (...parameters: string[]): Promise<Finished> => start(...parameters).finished;

async function startUp(...parameters: string[]) {
  const listen = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', 'off'];
  const status = ['--status-listen', '127.0.0.1:0', '--log-level', 'info'];
  const up = start('up', '--spool', 'spool', ...listen, ...status, ...parameters);
  const [, url = ''] = await up.output(/forwarder listening url=(\S+)/, 'stderr');
  const [, pages = ''] = await up.output(/status pages listening url=(\S+)/, 'stderr');
  return { up, url, pages };
}

const post = (url: string, body: string) => fetch(url, { method: 'POST', body });

async function spoolMetrics(pages: string): Promise<string[]> {
  const text = await (await fetch(`${pages}/metrics`)).text();
  return text.split('\n').filter((line) => line.startsWith('arctun_spool_messages'));
}

it('keeps messages while the server is silent, shows them, and sends them in order', async () => {
  const { up, url, pages } = await startUp('--wait', '0');
  const first = await post(url, 'a');
  expect(first.status).toBe(202);
  expect(await first.json()).toMatchObject({
    kept: { id: first.headers.get('arctun-spool-id'), reason: 'no-handshake' },
  });
  const second = await post(url, 'b');
  expect(second.status).toBe(202);
  expect(await second.json()).toMatchObject({ kept: { reason: 'waiting' } });
  const status = JSON.parse((await run('status', '--json')).stdout) as [{ spool: object }];
  const counted = status[0].spool as { queued: number; sending: number };
  expect(counted).toMatchObject({ folder: 'spool', unknown: 0, refused: 0 });
  expect(counted.queued + counted.sending).toBe(2);
  expect((await run('status')).stdout).toMatch(/^ {2}spool: \d queued.* \(spool\)$/m);
  expect(await spoolMetrics(pages)).toContain('arctun_spool_messages{state="unknown"} 0');
  up.kill('SIGHUP');
  receiver.addClient();
  await until(() => receiver.received.length === 2);
  expect(receiver.received).toEqual(['a', 'b']);
  await until(async () => (await spoolMetrics(pages)).every((line) => line.endsWith(' 0')));
  expect((await post(url, 'c')).status).toBe(201);
  up.kill('SIGTERM');
  expect((await up.finished).code).toBe(0);
  expect(up.stderr).toContain('the spool keeps the request');
}, 90_000);

itInRelease(
  'delivers to one target while another one refuses connections',
  async () => {
    receiver.addClient();
    const targets = ['100.127.69.42:80', '127.0.0.1:0=100.127.69.42:81'];
    const { up } = await startUp(...targets.flatMap((target) => ['--forward-to', target]));
    await up.output(/forwarder listening[^]*forwarder listening url=\S+/, 'stderr');
    const [url = '', refusing = ''] = [...up.stderr.matchAll(/forwarder listening url=(\S+)/g)].map(
      ([, match]) => match,
    );
    expect((await post(refusing, 'a')).status).toBe(202);
    expect((await post(url, 'b')).status).toBe(201);
    expect((await post(refusing, 'c')).status).toBe(202);
    expect((await post(url, 'd')).status).toBe(201);
    expect(receiver.received).toEqual(['b', 'd']);
  },
  60_000,
);

it('refuses other commands that would send from its folder', async () => {
  receiver.addClient();
  const { up } = await startUp();
  const refused = await run('send', '--spool', 'spool', 'x');
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      `"arctun up" (process ${up.child.pid ?? 0}) is using it, and sends its messages`,
    ) as string,
  });
  expect((await run('spool', 'send', '--spool', 'spool')).code).toBe(1);
  expect(await run('spool', 'list', '--spool', 'spool')).toMatchObject({ code: 0 });
  const second = start('up', '--spool', 'spool', '--force', '--forward-listen', '127.0.0.1:0');
  expect(await second.finished).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('"arctun up" (process') as string,
  });
  expect(receiver.received).toEqual([]);
}, 60_000);

itInRelease(
  'stops during many messages, which are then unknown',
  async () => {
    receiver.addClient();
    receiver.onMessage = () => new Promise(() => undefined);
    const { up, url } = await startUp();
    // More than Node's limit of listeners, above which it prints a warning.
    const answers = Array.from({ length: 12 }, (_, number) => post(url, `${number}`));
    await until(() => receiver.received.length === answers.length);
    up.kill('SIGTERM');
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses).toEqual(answers.map(() => 502));
    expect((await up.finished).code).toBe(0);
    expect(up.stderr).not.toContain('MaxListenersExceededWarning');
    const list = await run('spool', 'list', '--spool', 'spool', '--json');
    const unknown = { state: 'unknown', detail: 'lost' };
    expect(JSON.parse(list.stdout)).toMatchObject(answers.map(() => unknown));
  },
  60_000,
);

itInRelease('cannot be used with several SIMs', async () => {
  writeConfig('other.json', receiver.arcJson);
  const several = ['--config', 'arc.json', '--config', 'other.json'];
  expect(await run('up', '--spool', 'spool', ...several)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('cannot use --spool with several configurations') as string,
  });
});
