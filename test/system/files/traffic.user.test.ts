import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createTrafficStore } from '../../../src/system/files/traffic.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';

const DAY = '2026-11-29';
const one = (sentBytes: number, receivedBytes = 0) => ({ [DAY]: { sentBytes, receivedBytes } });

let state: string;
let folder: string;
let path: string;
let log: RecordingLog;
beforeEach(() => {
  state = join(mkdtempSync(join(tmpdir(), 'arctun-traffic-')), 'state');
  folder = join(state, 'traffic');
  path = join(folder, 'sim1.json');
  log = new RecordingLog();
});
afterEach(() => rmSync(join(state, '..'), { recursive: true }));

const open = () => createTrafficStore(state, log);

it('has no traffic at first, and creates nothing', async () => {
  await expect(open().read('sim1')).resolves.toEqual({});
  expect(existsSync(state)).toBe(false);
});

it('adds traffic in a small JSON file that only its owner can read', async () => {
  await expect(open().add('sim1', one(1, 2))).resolves.toEqual(one(1, 2));
  await expect(open().add('sim1', one(10, 20))).resolves.toEqual(one(11, 22));
  await expect(open().read('sim1')).resolves.toEqual(one(11, 22));
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ days: one(11, 22) });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['sim1.json']);
});

it('loses nothing if several add at the same time', async () => {
  const adders = Array.from({ length: 8 }, () => open().add('sim1', one(1)));
  await Promise.all(adders);
  await expect(open().read('sim1')).resolves.toEqual(one(8));
});

it('does not block the event loop', async () => {
  let turns = 0;
  setImmediate(() => turns++);
  await open().add('sim1', one(1));
  expect(turns).toBe(1);
});

it('writes one file after the other', async () => {
  const names = Array.from({ length: 8 }, (_none, index) => `sim${index}`);
  let areDone = false as boolean;
  const adding = Promise.all(names.map((name) => open().add(name, one(1))));
  const done = adding.finally(() => (areDone = true));
  let most = 0;
  while (!areDone) {
    await new Promise((resolve) => setImmediate(resolve));
    const locks = readdirSync(folder).filter((name) => name.endsWith('.lock'));
    most = Math.max(most, locks.length);
  }
  await done;
  expect(most).toBe(1);
  expect(readdirSync(folder)).toEqual(names.map((name) => `${name}.json`));
});

it.each(['', '{', '{"days":{"x":1}}'])('begins again if the file contains %j', async (text) => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, text);
  await expect(open().add('sim1', one(3))).resolves.toEqual(one(3));
  expect(log.lines).toMatchObject([{ level: 'warn', fields: { path } }]);
  await expect(open().read('sim1')).resolves.toEqual(one(3));
});

it('takes over the lock of a process that was killed', async () => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${path}.lock`, '');
  const past = Date.now() / 1000 - 6;
  utimesSync(`${path}.lock`, past, past);
  await expect(open().add('sim1', one(3))).resolves.toEqual(one(3));
  expect(readdirSync(folder)).toEqual(['sim1.json']);
});

it('waits for a lock that is held, and gives up', async () => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${path}.lock`, '');
  await expect(open().add('sim1', one(3))).rejects.toThrow('holds the lock');
  expect(readdirSync(folder)).toEqual(['sim1.json.lock']);
  const adding = open().add('sim1', one(3));
  rmSync(`${path}.lock`);
  await expect(adding).resolves.toEqual(one(3));
});

it('does not follow a link', async () => {
  mkdirSync(folder, { recursive: true });
  const other = join(state, 'other');
  writeFileSync(other, '{"days":{}}');
  symlinkSync(other, path);
  await expect(open().read('sim1')).rejects.toThrow();
  expect(readFileSync(other, 'utf8')).toBe('{"days":{}}');
});

it.each(['', '../arc', 'a/b', 'x'.repeat(65)])('refuses the name %j', async (name) => {
  await expect(open().add(name, one(1))).rejects.toThrow('SIM ID');
  expect(existsSync(state)).toBe(false);
});

it('reports why the folder cannot be created', async () => {
  writeFileSync(state, '');
  chmodSync(state, 0o400);
  await expect(open().add('sim1', one(1))).rejects.toThrow(/\w/);
});
