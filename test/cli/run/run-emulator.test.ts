import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

import {
  type EmulatorReady,
  runEmulator,
  type RunEmulatorOptions,
} from '../../../src/cli/run/run-emulator.js';
import { createNodeCrypto } from '../../../src/crypto/node.js';
import type { StateFiles } from '../../../src/emulator/state-file.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import { systemClock, systemWallClock } from '../../../src/system/clock.js';
import { systemEntropy } from '../../../src/system/entropy.js';
import { systemResolver } from '../../../src/system/network/resolver.js';
import { portHolder } from '../../../src/system/network/port-holder.js';
import { udpSockets } from '../../../src/system/network/udp-socket.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { silentLog } from '../../support/fakes/silent-log.js';
import { IMPOSSIBLE_NAME } from '../../support/impossible-name.js';

/** The process that uses the port, which is this one. */
const OURSELVES = new RegExp(`\\(pid ${process.pid}\\) is already listening on this port$`);

const PORTS = {
  crypto: createNodeCrypto(),
  entropy: systemEntropy,
  wallClock: systemWallClock,
  clock: systemClock,
  sockets: udpSockets,
  portHolder,
  resolver: systemResolver,
  log: silentLog,
};

/** Files in memory. */
function fakeFiles(texts: Record<string, string> = {}): StateFiles & { texts: typeof texts } {
  return {
    texts,
    readText: (path) => {
      const text = texts[path];
      const absent = Object.assign(new Error('no such file'), { failure: 'absent' });
      return text === undefined ? Promise.reject(absent) : Promise.resolve(text);
    },
    replaceText: (path, text) => {
      texts[path] = text;
      return Promise.resolve();
    },
  };
}

/** Runs until it is ready, calls `use`, and stops it. */
async function run(
  options: Partial<RunEmulatorOptions> = {},
  files: StateFiles = fakeFiles(),
  use: (ready: EmulatorReady) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const stop = new AbortController();
  let used: Promise<void> | undefined;
  await runEmulator(
    {
      apiListen: '127.0.0.1:0',
      arcListen: '127.0.0.1:0',
      rawAnswer: 'status',
      signal: stop.signal,
      onReady: (ready) => {
        used = use(ready).finally(() => stop.abort());
      },
      ...options,
    },
    { ...PORTS, files },
  );
  await used;
}

async function failure(...parameters: Parameters<typeof run>): Promise<UserError> {
  const error: unknown = await run(...parameters).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  return error as UserError;
}

async function logIn(api: string, credentials: object): Promise<number> {
  const body = JSON.stringify(credentials);
  const headers = { 'Content-Type': 'application/json' };
  return (await fetch(`${api}/v1/auth`, { method: 'POST', headers, body })).status;
}

it('prints what a client needs, and ends when it is stopped', async () => {
  await run({}, fakeFiles(), async (ready) => {
    expect(ready).toEqual({
      api: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string,
      metadata: `${ready.api}/metadata`,
      arc: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string,
      authKeyId: 'keyId-emulator',
      authKey: 'secret-emulator',
    });
    expect((await fetch(`${ready.metadata}/v1/subscriber`)).status).toBe(200);
  });
});

it('warns if other machines can reach it, and what they can do', async () => {
  const log = new RecordingLog();
  for (const host of ['0.0.0.0', '127.0.0.1']) {
    const stop = new AbortController();
    const listen = { apiListen: `${host}:0`, arcListen: `${host}:0` };
    await runEmulator(
      { rawAnswer: 'status', ...listen, signal: stop.signal, onReady: () => stop.abort() },
      { ...PORTS, log, files: fakeFiles() },
    );
  }
  expect(log.messages('warn')).toEqual([
    expect.stringMatching(
      /^anyone who can reach 0\.0\.0\.0:[1-9]\d* can create, change and terminate its SIMs, because the credentials are public$/,
    ),
    "the Arc server is open to anyone who can reach its address and has a SIM's key",
  ]);
});

const USER = { authKeyId: 'keyId-x', authKey: 'secret-planted', permissions: [] };

it.each([
  ['a file', 'users.json'],
  ['JSON', ` ${JSON.stringify([USER])}`],
])('adds users from %s to its own', async (_, users) => {
  const files = fakeFiles({ 'users.json': JSON.stringify([USER]) });
  await run({ users }, files, async ({ api }) => {
    expect(await logIn(api, USER)).toBe(200);
    expect(await logIn(api, { authKeyId: 'keyId-minimal', authKey: 'secret-minimal' })).toBe(200);
  });
});

it.each([
  ['none.json', /none\.json: no such file/],
  ['broken.json', /broken\.json: the text must be JSON/],
  [`[${JSON.stringify(USER)}, 7]`, /the JSON of --users: user 1: Invalid input/],
])('reports why it cannot read users from %s', async (users, message) => {
  const files = fakeFiles({ 'broken.json': '[{"authKey": "secret-planted"' });
  const error = await failure({ users }, files);
  expect(error.kind).toBe('configuration');
  expect(error.message).toMatch(message);
  expect(JSON.stringify([error.message, error.next])).not.toContain('planted');
});

it.each([
  ['denied', 'permission'],
  ['failed', 'failed'],
])('fails if a file of users is %s', async (reason, kind) => {
  const denied = Object.assign(new Error('no'), { failure: reason });
  const readText = () => Promise.reject(denied);
  const error = await failure({ users: 'users.json' }, { ...fakeFiles(), readText });
  expect(error).toMatchObject({ kind, why: 'no' });
});

it('keeps its state in a file', async () => {
  const files = fakeFiles();
  const state = 'state.json';
  await run({ state }, files, async ({ api }) => {
    const headers = { 'Content-Type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify(USER) };
    expect((await fetch(`${api}/emulator/users`, init)).status).toBe(201);
  });
  await run({ state }, files, async ({ api }) => {
    expect(await logIn(api, USER)).toBe(200);
  });
});

it('does not change a file that is not a state file', async () => {
  const files = fakeFiles({ 'state.json': '{"version": 1' });
  const error = await failure({ state: 'state.json' }, files);
  expect(error.kind).toBe('configuration');
  expect(files.texts['state.json']).toBe('{"version": 1');
});

describe('an address in use', () => {
  it('is reported without other errors, with its flag: the API', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const apiListen = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    const error = await failure({ apiListen });
    taken.close();
    expect(error).toMatchObject({
      kind: 'failed',
      what: `cannot listen on ${apiListen}`,
      why: expect.stringMatching(OURSELVES) as string,
      next: ['Choose another address with --api-listen; port 0 picks a free port.'],
    });
  });

  it('is reported without other errors, with its flag: the Arc side', async () => {
    const taken = createSocket('udp4').bind(0, '127.0.0.1');
    await once(taken, 'listening');
    const arcListen = `127.0.0.1:${taken.address().port}`;
    const error = await failure({ arcListen });
    taken.close();
    expect(error).toMatchObject({
      what: `cannot listen on ${arcListen} (UDP)`,
      why: expect.stringMatching(OURSELVES) as string,
      next: ['Choose another address with --arc-listen; port 0 picks a free port.'],
    });
  });
});

it.each([
  ['apiListen', '192.0.2.1:0', 'this machine does not have this address'],
  ['arcListen', '192.0.2.1:0', 'this machine does not have this address'],
  ['apiListen', `${IMPOSSIBLE_NAME}:0`, 'the host name was not found'],
  ['arcListen', 'localhost:0', 'the address must be an IP address, not a host name'],
])('says why %s cannot be %s', async (name, value, why) => {
  const error = await failure({ [name]: value });
  expect(error.why).toBe(why);
});
