/** Each sample of docs/guides/library.md, run against the emulator. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import * as undici from 'undici';

import { selectCrypto } from '../src/crypto/select.js';
import { loadLibc } from '../src/system/linux/libc.js';
import { type Emulator, startEmulator } from '../src/emulator/emulator.js';
import { openWireGuardNetwork } from '../src/emulator/wireguard-network.js';
import * as arctun from '../src/index.js';
import { systemClock, systemWallClock } from '../src/system/clock.js';
import { systemEntropy } from '../src/system/entropy.js';
import { systemResolver } from '../src/system/network/resolver.js';
import { udpSockets } from '../src/system/network/udp-socket.js';
import type { TcpServer, UserspaceTunnel } from '../src/index.js';
import { readAll, streamPair } from './emulator/fakes.js';
import { RecordingLog } from './support/fakes/recording-log.js';

const PAGE = readFileSync(join(import.meta.dirname, '../docs/guides/library.md'), 'utf8');
/** Each sample with the heading above it. */
const SAMPLES = PAGE.split(/^#+ /m).flatMap((section) => {
  const heading = section.split('\n')[0] ?? '';
  const samples = [...section.matchAll(/```js\n([^]*?)```/g)];
  return samples.map(([, text = '']) => ({ heading, text }));
});

const SERVICE = '100.127.69.42';
const REFUSED = `connect ECONNREFUSED ${SERVICE}:81 - refused`;
const UP = /^up \{ address: '127\.0\.0\.1', port: \d+ \}$/;
const NO_ROUTE = 'connect ENETUNREACH 192.0.2.1:80 - no-route';
const NO_NAME = 'getaddrinfo ENOTFOUND nowhere.test - no-such-name';
const FOUND = `{ address: '${SERVICE}', family: 4 }`;

/** The output of each sample, in the order of the page. */
const PRINTED: readonly (readonly (string | RegExp)[])[] = [
  [UP],
  [],
  ['up 1'],
  ['100.127.100.127 true 64'],
  ['200 8'],
  ['201 '],
  [`connected ${SERVICE} 80`, 'received true CLOSE-WAIT bbr true'],
  ['listening 8080'],
  [`ping ${SERVICE} 7`],
  [FOUND, `null [ ${FOUND} ]`],
  [REFUSED, NO_ROUTE, NO_NAME],
];

let emulator: Emulator;
let folder: string;

beforeAll(async () => {
  const ports = {
    crypto: await selectCrypto(await loadLibc()),
    entropy: systemEntropy,
    wallClock: systemWallClock,
    clock: systemClock,
    sockets: udpSockets,
    resolver: systemResolver,
    log: new RecordingLog(),
  };
  emulator = await startEmulator(
    { apiPort: 0, arcPort: 0 },
    { ...ports, createNetwork: (options) => openWireGuardNetwork(options, ports) },
  );
  folder = mkdtempSync(join(tmpdir(), 'arctun-samples-'));
  writeFileSync(join(folder, 'arc.json'), await arcJson());
});
afterAll(async () => {
  await emulator.close();
  rmSync(folder, { recursive: true });
});

async function post(path: string, body: object, headers = {}): Promise<Record<string, never>> {
  const response = await fetch(`${emulator.api}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Record<string, never>;
}

/** The arc.json of a new SIM. */
async function arcJson(): Promise<string> {
  const { authKeyId, authKey } = emulator;
  const { apiKey, token } = await post('/v1/auth', { authKeyId, authKey });
  const headers = { 'X-Soracom-API-Key': apiKey, 'X-Soracom-Token': token };
  const sim = await post('/v1/sims', { type: 'virtual', subscription: 'planArc01' }, headers);
  const { profiles, arcSessionStatus } = sim as Record<string, object>;
  const [profile] = Object.values(profiles as Record<string, Record<string, string>>);
  return JSON.stringify({ privateKey: profile?.arcClientPeerPrivateKey, arcSessionStatus });
}

/** Runs a sample until it has closed its tunnel, and returns its output. */
async function run(sample: string): Promise<string[]> {
  const lines: string[] = [];
  let tunnel: UserspaceTunnel | undefined;
  let closed: (() => void) | undefined;
  const over = new Promise<void>((resolve) => (closed = resolve));
  const createTunnel = async (options: arctun.CreateTunnelOptions) => {
    const opened = await arctun.createTunnel(options);
    const close = opened.close.bind(opened);
    opened.close = (...given) => {
      const closing = close(...given);
      closed?.();
      return closing;
    };
    const listen = opened.listen.bind(opened);
    opened.listen = (...given) => callFromInside(listen(...given));
    return (tunnel = opened);
  };
  const print = (...words: unknown[]) => {
    lines.push(words.map((word) => (typeof word === 'string' ? word : inspect(word))).join(' '));
  };
  const scope = {
    ...imported(sample, { arctun: { ...arctun, createTunnel }, 'node:http': http, undici }),
    console: { log: print, error: print },
  };
  const body = sample
    .replace(/^import .*$/gm, '')
    .replaceAll("'arc.json'", JSON.stringify(join(folder, 'arc.json')));
  await new AsyncFunction(...Object.keys(scope), body)(...Object.values(scope));
  await over;
  await tunnel?.close();
  return lines;
}

/** The answer of a sample's server. */
let answered: Promise<string> | undefined;

/** The emulator cannot connect to a SIM, so this passes a connection to a sample's server. */
function callFromInside(server: TcpServer): TcpServer {
  return server.once('listening', () => {
    setImmediate(() => {
      const [client, side] = streamPair();
      client.write('GET / HTTP/1.0\r\n\r\n');
      answered = readAll(client);
      server.emit('connection', Object.assign(side, { remoteAddress: '10.9.9.9' }) as never);
    });
  });
}

const AsyncFunction = (async () => Promise.resolve()).constructor as new (
  ...text: string[]
) => (...values: unknown[]) => Promise<void>;

/** The imports of a sample; throws for a name that a module does not export. */
function imported(sample: string, modules: Record<string, object>): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [, names = '', from = ''] of sample.matchAll(/^import \{ (.*) \} from '(.*)';$/gm)) {
    const module = modules[from] as Record<string, unknown> | undefined;
    for (const name of names.split(', ')) {
      if (module?.[name] === undefined) throw new RangeError(`${from} has no ${name}`);
      found[name] = module[name];
    }
  }
  return found;
}

it('the page has as many samples as this test', () => {
  expect(SAMPLES).toHaveLength(PRINTED.length);
});

it.each(SAMPLES.map(({ heading, text }, index) => [heading, index, text] as const))(
  'the sample under "%s" runs against the emulator (%d)',
  async (_heading, index, sample) => {
    const expected = (PRINTED[index] ?? []).map((line) =>
      typeof line === 'string' ? line : (expect.stringMatching(line) as string),
    );
    expect(await run(sample)).toEqual(expected);
  },
);

it('the server of a sample answers a client', async () => {
  expect(await answered).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nhello 10\.9\.9\.9\n$/);
});
