/** One fault has one exit code, whichever command meets it: the table of exit codes, walked in this process. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { sampleWithSession } from '../arc-config/sample.js';
import { runInProcess } from '../support/command-in-process.js';

const COMMANDS = [
  ...['bootstrap authkey', 'config', 'config import', 'config validate', 'emulator', 'health'],
  ...['send', 'sim list', 'sim renew-key', 'sim show', 'sim terminate', 'status', 'up', 'version'],
  'wg-config',
];

/** Commands that read arc.json, and do nothing without it. */
const READERS = ['send x', 'up', 'config validate', 'wg-config', 'sim renew-key'];
/** Commands that call the SORACOM API. */
const CALLERS = ['sim list', 'sim show 8942310022000012345', 'bootstrap authkey'];

/** A fault, its exit code, and each command that causes it; FOLDER, TAKEN and API are replaced. */
const FAULTS: readonly (readonly [fault: string, code: number, lines: readonly string[]])[] = [
  ['an unknown flag', 2, COMMANDS.map((name) => `${name} --no-such-flag`)],
  ['a missing arc.json', 3, READERS.map((line) => `${line} --config FOLDER/absent.json`)],
  [
    'a missing folder',
    3,
    [
      ...[...READERS, 'bootstrap authkey'].map((line) => `${line} --config FOLDER/no/arc.json`),
      'up --mode userspace --forward-listen 127.0.0.1:0 --proxy-listen off --capture FOLDER/no/file.pcapng --config FOLDER/arc.json',
      'wg-config --png FOLDER/no/code.png --config FOLDER/arc.json',
      'config import FOLDER/no/wg0.conf --config FOLDER/new.json',
      'send --file FOLDER/no/message --config FOLDER/arc.json',
      'emulator --users FOLDER/no/users.json',
      'emulator --state FOLDER/no/state.json --api-listen 127.0.0.1:0 --arc-listen 127.0.0.1:0',
    ],
  ],
  [
    'a missing file',
    3,
    [
      'config import FOLDER/wg0.conf --config FOLDER/new.json',
      'send --file FOLDER/message --config FOLDER/arc.json',
      'emulator --users FOLDER/users.json',
    ],
  ],
  [
    'malformed JSON',
    3,
    [
      ...[...READERS, 'bootstrap authkey', 'config'].map(
        (line) => `${line} --config FOLDER/bad.json`,
      ),
      'emulator --users FOLDER/bad.json',
    ],
  ],
  [
    'an API that refuses',
    4,
    CALLERS.map((line) => `${line} --endpoint API --config FOLDER/new.json`),
  ],
  [
    'a port that is taken',
    1,
    [
      'up --mode userspace --forward-listen TAKEN --proxy-listen off --config FOLDER/arc.json',
      'up --mode userspace --forward-listen 127.0.0.1:0 --proxy-listen TAKEN --config FOLDER/arc.json',
      'up --mode userspace --forward-listen 127.0.0.1:0 --proxy-listen off --status-listen TAKEN --config FOLDER/arc.json',
      'emulator --api-listen TAKEN --arc-listen 127.0.0.1:0',
    ],
  ],
];

const unreadable: (typeof FAULTS)[number] = [
  'a missing right',
  6,
  [
    ...[...READERS, 'bootstrap authkey', 'config'].map(
      (line) => `${line} --config FOLDER/mine/arc.json`,
    ),
    'up --mode userspace --forward-listen 127.0.0.1:0 --proxy-listen off --capture FOLDER/mine/new.pcapng --config FOLDER/arc.json',
    'send --file FOLDER/mine/message --config FOLDER/arc.json',
    'config import FOLDER/mine/wg0.conf --config FOLDER/new.json',
    'emulator --users FOLDER/mine/users.json',
  ],
];

let folder: string;
let taken: Server;
let api: ReturnType<typeof createHttpServer>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-exit-codes-'));
  writeFileSync(join(folder, 'arc.json'), sampleWithSession({ arcServerEndpoint: '127.0.0.1:9' }));
  writeFileSync(join(folder, 'bad.json'), '{"privateKey": ');
  mkdirSync(join(folder, 'mine'));
  taken = createServer().listen(0, '127.0.0.1');
  api = createHttpServer((_request, response) => {
    response.writeHead(401, { 'content-type': 'application/json' });
    response.end('{"code":"AUM0001","message":"no"}');
  }).listen(0, '127.0.0.1');
  await Promise.all([once(taken, 'listening'), once(api, 'listening')]);
}, 60_000);
afterAll(() => {
  taken.close();
  api.close();
  rmSync(folder, { recursive: true });
});
const authority = (server: { address(): unknown }) =>
  `127.0.0.1:${(server.address() as AddressInfo).port}`;

async function exitCode(line: string): Promise<number | null> {
  const words = line.split(' ').map((word) =>
    word
      .replace('FOLDER', folder)
      .replace('TAKEN', authority(taken))
      .replace('API', `http://${authority(api)}`),
  );
  const env = {
    STATE_DIRECTORY: join(folder, 'state'),
    RUNTIME_DIRECTORY: join(folder, 'run'),
    ARCTUN_LOG_LEVEL: 'silent',
    ARCTUN_AUTH_KEY_ID: 'keyId-x',
    ARCTUN_AUTH_KEY: 'secret-x',
  };
  return (await runInProcess(words, { cwd: tmpdir(), env })).code;
}

it.each(FAULTS)(
  '%s is exit code %d',
  async (_fault, code, lines) => {
    for (const line of lines) expect([line, await exitCode(line)]).toEqual([line, code]);
  },
  60_000,
);

const isRoot = process.geteuid?.() === 0;

it(`${unreadable[0]} is exit code 6`, async () => {
  const [, code, lines] = unreadable;
  if (isRoot) process.seteuid!(65_534);
  else rmSync(join(folder, 'mine'), { recursive: true });
  try {
    if (!isRoot) mkdirSync(join(folder, 'mine'), { mode: 0 });
    for (const line of lines) expect([line, await exitCode(line)]).toEqual([line, code]);
  } finally {
    if (isRoot) process.seteuid!(0);
  }
}, 60_000);
