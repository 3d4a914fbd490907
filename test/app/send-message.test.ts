/** Sending through a tunnel to the emulator's network, in virtual time. */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { parseArcConfig } from '../../src/arc-config/parse-arc-config.js';
import { sendMessage, type SendResponse, type Message } from '../../src/app/send-message.js';
import { simUseLine } from '../../src/app/up/sim-use.js';
import { createNodeCrypto } from '../../src/crypto/node.js';
import { StoppedError } from '../../src/lib/errors/stopped-error.js';
import { UserError } from '../../src/lib/errors/user-error.js';
import { parseIpAddress } from '../../src/wire/ip-address.js';
import { LosingDisk } from '../proxy/spool/support/losing-disk.js';
import { DATA, INITIATION } from '../support/message-types.js';
import { FakeClaims } from '../support/fakes/fake-claims.js';
import { fakeShares } from '../support/fakes/fake-shares.js';
import { REPORT } from '../support/fakes/status-report.js';
import { CLIENT, SERVICE, TunnelInMemory } from '../support/pairs/tunnel-in-memory.js';
import { settled, until } from '../support/until.js';

const PORT = 23080;
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (payload: Uint8Array) => new TextDecoder().decode(payload);

let world: TunnelInMemory;
let claims: FakeClaims;
let shares: ReturnType<typeof fakeShares>;
beforeEach(async () => {
  claims = new FakeClaims();
  shares = fakeShares();
  world = new TunnelInMemory(createNodeCrypto());
  await world.openNetwork();
});
afterEach(async () => {
  // In every case the tunnel is closed; the server's socket stays open.
  expect(world.link.openSockets).toBe(1);
  await world.network.close();
});

interface Changes {
  readonly target?: { host: string; port: number };
  readonly mtu?: number;
  readonly timeout?: number;
  readonly readableMode?: number;
  /** Connects to the running up. */
  readonly open?: () => Promise<Socket>;
  /** The folder of a spool. */
  readonly disk?: LosingDisk;
  readonly signal?: AbortSignal;
}

function start(message: Message, changes: Changes = {}): Promise<SendResponse | UserError> {
  const { target = { host: SERVICE, port: PORT }, mtu = 1420, timeout = 5_000 } = changes;
  const config = parseArcConfig(
    JSON.stringify({
      privateKey: Buffer.from(new Uint8Array(32).fill(3)).toString('base64'),
      mtu,
      arcSessionStatus: {
        arcServerPeerPublicKey: Buffer.from(world.network.publicKey).toString('base64'),
        arcServerEndpoint: `127.0.0.1:${world.network.endpoint.port}`,
        arcAllowedIPs: ['100.127.0.0/16'],
        arcClientPeerIpAddress: CLIENT,
      },
    }),
    { path: 'arc.json' },
  );
  const { readableMode, open = shares.localStreams.open, disk, signal } = changes;
  const limits = { messages: 10, bytes: 10_000 };
  const spool = disk && { folder: 'spool', limits };
  const openFolder = () => Promise.resolve(disk ?? new LosingDisk());
  const names = { source: 'arc.json', path: 'arc.json' };
  const arcConfig = { config, original: config, ...names, readableMode };
  return sendMessage(
    {
      ...{ arcConfig, wait: 20_000, target, message, timeout, force: false, pid: 4711 },
      ...{ spool, ...(signal && { signal }) },
    },
    {
      ...{ ...world.ports, claims, ...shares, openFolder },
      localStreams: { ...shares.localStreams, open },
    },
  ).catch((error: unknown) => {
    if (error instanceof UserError) return error;
    throw error;
  });
}

const address = () => parseIpAddress(SERVICE)!;

function answerByUdp(answer: string | undefined): void {
  world.network.bindUdp({ address: address(), port: PORT }, (payload, _from, reply) => {
    if (answer !== undefined) reply(bytes(`${answer}${text(payload)}`));
  });
}

it('sends over UDP and returns the answer', async () => {
  answerByUdp('201 ');
  const sending = start({ via: 'udp', payload: bytes('21.5') });
  await world.advance(100);
  expect(await sending).toEqual({ via: 'udp', payload: bytes('201 21.5') });
});

it('warns if other users can read the private key', async () => {
  answerByUdp('201 ');
  const sending = start({ via: 'udp', payload: bytes('21.5') }, { readableMode: 0o644 });
  await world.advance(100);
  await sending;
  expect(world.log.messages('warn')).toEqual([
    expect.stringMatching(/^other users can read arc.json.*Run: chmod 600 arc.json$/),
  ]);
});

it.each([
  [1420, 1392],
  [1280, 1252],
])('sends over UDP with an MTU of %d up to %d bytes', async (mtu, limit) => {
  const lengths: number[] = [];
  world.network.bindUdp({ address: address(), port: PORT }, (payload, _from, reply) => {
    lengths.push(payload.length);
    reply(new Uint8Array(0));
  });
  const sending = start({ via: 'udp', payload: new Uint8Array(limit) }, { mtu });
  await world.advance(100);
  expect(await sending).toEqual({ via: 'udp', payload: new Uint8Array(0) });
  const refused = await start({ via: 'udp', payload: new Uint8Array(limit + 1) }, { mtu });
  expect(refused).toMatchObject({ kind: 'usage', what: `cannot send ${limit + 1} bytes over UDP` });
  expect((refused as UserError).why).toContain(`can hold ${limit}`);
  expect(lengths).toEqual([limit]);
});

it('sends over TCP, returns the answer and ends the connection', async () => {
  const closed: true[] = [];
  world.network.listenTcp({ address: address(), port: PORT }, (stream) => {
    stream.on('data', (chunk: Buffer) => stream.write(`201 ${chunk.toString()}`));
    stream.on('end', () => stream.end());
    stream.on('close', () => closed.push(true)).on('error', () => undefined);
  });
  const sending = start({ via: 'tcp', payload: bytes('21.5') }, { timeout: 60_000 });
  // The pause after an answer is measured by Node's own clock.
  await until(() => closed.length > 0, {
    turn: async () => {
      await world.advance(10);
      await new Promise((resolve) => setTimeout(resolve, 10));
    },
  });
  await world.advance(100);
  expect(await sending).toEqual({ via: 'tcp', payload: Buffer.from('201 21.5') });
}, 120_000);

it('sends over HTTP', async () => {
  world.network.listenTcp({ address: address(), port: 80 }, (stream) => {
    stream.once('data', () => stream.end('HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok'));
    stream.on('error', () => undefined);
  });
  const request = { method: 'POST', path: '/', headers: [], body: bytes('x') };
  const sending = start({ via: 'http', request }, { target: { host: SERVICE, port: 80 } });
  const answer = await settled(sending, async () => {
    await world.advance(10);
    await new Promise((resolve) => setImmediate(resolve));
  });
  expect(answer).toMatchObject({ via: 'http', response: { status: 201, body: Buffer.from('ok') } });
});

it.each(['tcp', 'udp'] as const)(
  'fails with kind tunnel over %s if no program listens',
  async (via) => {
    const sending = start({ via, payload: bytes('x') });
    await world.advance(1_000);
    expect(await sending).toMatchObject({
      kind: 'tunnel',
      reason: 'not-connected',
      what: `cannot send to ${SERVICE}:${PORT}`,
      next: ["Check the target's address and port (--forward-to)."],
    });
  },
);

it.each(['tcp', 'udp'] as const)(
  'fails with kind tunnel over %s without a handshake',
  async (via) => {
    world.link.connected = false;
    const sending = start({ via, payload: bytes('x') });
    await world.advance(20_100);
    expect(await sending).toMatchObject({
      kind: 'tunnel',
      reason: 'no-answer',
      what: 'no handshake with the Arc server',
    });
  },
);

it('reports over TCP why the server is silent after it answered the handshake', async () => {
  let initiations = 0;
  world.link.passes = ({ bytes: [type] }) =>
    type !== DATA && (type !== INITIATION || ++initiations < 2);
  const sending = start({ via: 'tcp', payload: bytes('x') });
  await world.advance(10_100);
  const failure = await sending;
  expect(failure).toMatchObject({
    kind: 'tunnel',
    reason: 'no-answer',
    what: `cannot send to ${SERVICE}:${PORT}`,
  });
  expect((failure as UserError).why).toMatch(
    /^the Arc server is not answering: .* has not answered/,
  );
  expect((failure as UserError).next.join()).toContain('arctun sim show');
});

describe('whether a message has arrived', () => {
  const UNKNOWN = [
    'The message may have arrived, but it was not sent twice.',
    'Before you send it again, check whether it arrived.',
  ];
  const request = { method: 'POST', path: '/', headers: [], body: bytes('x') };
  const http: Message = { via: 'http', request };
  const tcp: Message = { via: 'tcp', payload: bytes('x') };
  const udp: Message = { via: 'udp', payload: bytes('x') };

  /** Advances the time, and runs Node's streams, until the outcome of a message is known. */
  async function outcomeOf(
    message: Message,
    changes: Changes = {},
  ): Promise<SendResponse | UserError> {
    const outcome = { isKnown: false };
    const sending = start(message, changes).finally(() => (outcome.isKnown = true));
    sending.catch(() => undefined);
    while (!outcome.isKnown) {
      await world.advance(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return sending;
  }

  const listen = (onData: (stream: Duplex) => void): void => {
    world.network.listenTcp({ address: address(), port: PORT }, (stream) => {
      stream.once('data', () => onData(stream));
      stream.on('error', () => undefined);
    });
  };

  it.each<[string, string, Message, (stream: Duplex) => void]>([
    ['http', 'the connection is reset', http, (stream) => stream.destroy()],
    ['http', 'no answer comes in time', http, () => undefined],
    ['tcp', 'the connection is reset', tcp, (stream) => stream.destroy()],
  ])('is unknown over %s if %s', async (_via, _why, message, onData) => {
    listen(onData);
    const failure = await outcomeOf(message, { timeout: 200 });
    expect(failure).toMatchObject({
      kind: 'failed',
      what: `cannot send to ${SERVICE}:${PORT}`,
      next: UNKNOWN,
    });
  });

  it.each<[string, Message]>([
    ['http', http],
    ['tcp', tcp],
    ['udp', udp],
  ])('is known to have failed over %s if no program listens', async (_, message) => {
    const failure = await outcomeOf(message);
    expect(failure).toMatchObject({ kind: 'tunnel', reason: 'not-connected' });
    expect((failure as UserError).next).not.toContain(UNKNOWN);
  });
});

it('says that the message may have arrived if the running up stops', async () => {
  const socket = '/run/user/1000/arctun/soratun0.sock';
  const key = createNodeCrypto().publicKey(new Uint8Array(32).fill(3));
  const line = simUseLine({ command: 'up', pid: 1234, forward: 'http://127.0.0.1:1', socket });
  claims.holders.set(Buffer.from(key).toString('hex'), () => line);
  shares.connections.sockets.set(socket, `${JSON.stringify({ status: REPORT })}\n`);
  const ending = new Socket();
  ending.destroy();
  const sent = await start(
    { via: 'tcp', payload: bytes('21.5') },
    { open: () => Promise.resolve(ending) },
  );
  expect(sent).toMatchObject({
    kind: 'tunnel',
    what: `cannot send to ${SERVICE}:${PORT}`,
    why: 'arctun up (pid 1234), which owns the tunnel, has stopped',
    next: [
      'The message may have arrived, but it was not sent twice.',
      'Before you send it again, check whether it arrived.',
    ],
  });
});

describe('a stop with a spool', () => {
  const request = { method: 'POST', path: '/', headers: [], body: bytes('21.5') };

  it.each<[string, number]>([
    ['before the handshake', INITIATION],
    ['during the dial', DATA],
  ])('keeps the message, and fails with the code of the signal, %s', async (_, dropped) => {
    world.link.passes = ({ bytes: [type] }) => type !== dropped;
    const disk = new LosingDisk();
    const controller = new AbortController();
    const { signal } = controller;
    const sending = start({ via: 'http', request }, { disk, signal });
    await world.advance(500);
    controller.abort(new StoppedError('SIGINT'));
    await world.advance(100);
    const result = await sending;
    const names = await disk.list();
    expect(names).toEqual([expect.stringMatching(/\.queued$/) as string]);
    const [id = ''] = names[0]!.split('.');
    expect(result).toBeInstanceOf(StoppedError);
    expect(result).toMatchObject({
      exitCode: 130,
      why: `the spool keeps the message as ${id}, because nothing was sent`,
    });
  });
});
