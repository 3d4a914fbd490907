import { createNodeCrypto } from '../../../src/crypto/node.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import { Capture, captureHeader } from '../../../src/tunnel/capture/capture.js';
import type { CaptureFile } from '../../../src/ports/capture-file.js';
import type { Datagram } from '../../../src/ports/datagram.js';
import type { Log } from '../../../src/ports/log.js';
import { parseTunnelConfig } from '../../../src/tunnel/tunnel-config.js';
import type { TunnelPorts } from '../../../src/tunnel/tunnel-ports.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeSocket } from '../../support/fakes/fake-socket.js';
import { type Pcapng, readPcapng } from '../../support/foreign/pcapng-reader.js';
import { seededBytes, seededEntropy } from '../../support/fakes/seeded-entropy.js';
import { silentLog } from '../../support/fakes/silent-log.js';

const PRIVATE_KEY = seededBytes(1, 32);
const SERVER_KEY = seededBytes(2, 32);
const START = Date.UTC(2026, 10, 25);

/** A disk that accepts every write. */
class MemoryCaptureFile implements CaptureFile {
  readonly blocks: Uint8Array[] = [];
  readonly #onLost: ((() => void) | undefined)[] = [];
  takes = true;
  isWhole = true;

  write(block: Uint8Array, onLost?: () => void): boolean {
    if (!this.takes) return false;
    this.blocks.push(block);
    this.#onLost.push(onLost);
    return true;
  }

  /** Loses the last blocks that it accepted. */
  lose(count: number): void {
    for (const onLost of this.#onLost.slice(-count)) onLost?.();
  }

  close(trailer: readonly Uint8Array[]): Promise<boolean> {
    this.blocks.push(...trailer);
    return Promise.resolve(this.isWhole);
  }

  content(): Pcapng {
    return readPcapng(Buffer.concat(this.blocks));
  }
}

class LocalSocket extends FakeSocket {
  override readonly localAddress: string;

  constructor(localAddress: string) {
    super();
    this.localAddress = localAddress;
  }
}

let clock: FakeClock;
let wallTime: number;
let file: MemoryCaptureFile;
let socket: FakeSocket;
let lines: [level: string, fields: object, message: string][];
let capture: Capture;

function start(localAddress = '0.0.0.0'): void {
  const log: Log = {
    ...silentLog,
    info: (fields, message) => void lines.push(['info', fields, message]),
    warn: (fields, message) => void lines.push(['warn', fields, message]),
  };
  file = new MemoryCaptureFile();
  socket = new LocalSocket(localAddress);
  const ports: TunnelPorts = {
    crypto: createNodeCrypto(),
    entropy: seededEntropy(1),
    wallClock: { unixMilliseconds: () => wallTime + clock.now() },
    clock,
    sockets: { open: () => Promise.resolve(socket) },
    resolver: { resolve: () => Promise.reject(new Error('no query was expected')) },
    log,
  };
  const config = parseTunnelConfig({
    privateKey: new Secret(PRIVATE_KEY),
    serverPublicKey: SERVER_KEY,
    endpoint: { host: '192.0.2.1', port: 11010 },
    address: '10.0.0.2',
    allowedIps: ['100.127.0.0/16'],
    mtu: 1420,
    persistentKeepaliveSeconds: 0,
  });
  file.blocks.push(...captureHeader(config, 'arctun/1'));
  capture = new Capture(file, ports);
}

beforeEach(() => {
  clock = new FakeClock();
  wallTime = START;
  lines = [];
  start();
});

function datagram(text: string, address = '192.0.2.1'): Datagram {
  return { bytes: Buffer.from(text), endpoint: { address, port: 11010 } };
}

function opened() {
  return capture.ports.sockets.open({ address: '0.0.0.0', port: 0 });
}

it('begins with two interface descriptions and the static keys, in key log format', () => {
  const { application, interfaces, contents } = file.content();
  expect({ application, interfaces }).toEqual({
    application: 'arctun/1',
    interfaces: ['outside', 'inside'],
  });
  const base64 = (key: Uint8Array) => Buffer.from(key).toString('base64');
  expect(contents).toEqual([
    `LOCAL_STATIC_PRIVATE_KEY = ${base64(PRIVATE_KEY)}\nREMOTE_STATIC_PUBLIC_KEY = ${base64(SERVER_KEY)}\n`,
  ]);
});

it('writes each ephemeral key before the packets that it decrypts', async () => {
  const { observer } = capture.ports;
  const ephemeral = seededBytes(3, 32);
  const text = `LOCAL_EPHEMERAL_PRIVATE_KEY = ${Buffer.from(ephemeral).toString('base64')}\n`;
  const outside = await opened();
  observer?.ephemeralKey?.(ephemeral);
  ephemeral.fill(0);
  outside.send([datagram('initiation')]);
  expect(file.content().contents.slice(1)).toMatchObject([text, { interfaceId: 0 }]);
});

it('writes datagrams with the headers that the kernel would add, in both directions', async () => {
  const outside = await opened();
  const received: string[] = [];
  outside.onReceive = (datagrams) => {
    for (const { bytes } of datagrams) received.push(Buffer.from(bytes).toString());
    // The tunnel decrypts in place, too.
    for (const { bytes } of datagrams) bytes.fill(0);
  };
  const sent = datagram('out');
  outside.send([sent]);
  sent.bytes.fill(0);
  socket.receive(datagram('one'), datagram('two'));
  expect(socket.sent).toEqual([sent]);
  expect(received).toEqual(['one', 'two']);

  const packets = file.content().packets.map(({ interfaceId, direction, bytes }) => ({
    interfaceId,
    direction,
    from: `${bytes.subarray(12, 16).join('.')}:${bytes.readUInt16BE(20)}`,
    to: `${bytes.subarray(16, 20).join('.')}:${bytes.readUInt16BE(22)}`,
    payload: bytes.toString('latin1', 28),
  }));
  const own = '0.0.0.0:40000';
  const server = '192.0.2.1:11010';
  expect(packets).toEqual([
    { interfaceId: 0, direction: 'out', from: own, to: server, payload: 'out' },
    { interfaceId: 0, direction: 'in', from: server, to: own, payload: 'one' },
    { interfaceId: 0, direction: 'in', from: server, to: own, payload: 'two' },
  ]);
});

it.each([
  ['127.0.0.1', '127.0.0.2', '7f000001'],
  ['::1', '2001:db8::1', '00000000000000000000000000000001'],
  ['::', 'fe80::1%eth0', '00000000000000000000000000000000'],
  ['0.0.0.0', '2001:db8::1', '00000000000000000000000000000000'],
  ['', '192.0.2.1', '00000000'],
])('writes packets with the addresses: local %j, remote %j', async (own, far, source) => {
  start(own);
  (await opened()).send([datagram('x', far)]);
  const { bytes } = file.content().packets.at(-1)!;
  const isIpv4 = source.length === 8;
  expect(bytes[0]! >> 4).toBe(isIpv4 ? 4 : 6);
  expect(bytes.toString('hex', isIpv4 ? 12 : 8, isIpv4 ? 16 : 24)).toBe(source);
});

it('does not change the socket', async () => {
  const outside = await opened();
  const errors: Error[] = [];
  let drained = 0;
  outside.onError = (error) => errors.push(error);
  outside.onDrain = () => drained++;
  socket.queuedBytes = 7;
  expect(outside).toMatchObject({ localAddress: '0.0.0.0', localPort: 40_000, queuedBytes: 7 });
  socket.drain();
  socket.fail(new Error('no route'));
  await outside.close();
  expect({ drained, errors, closed: socket.closed }).toEqual({
    drained: 1,
    errors: [new Error('no route')],
    closed: true,
  });
});

it('writes inner packets unchanged', () => {
  const packet = Buffer.from('a packet');
  capture.innerPacket('out', packet);
  packet.fill(0);
  capture.innerPacket('in', Buffer.from('another'));
  expect(
    file
      .content()
      .packets.map(({ interfaceId, direction, bytes }) => [
        interfaceId,
        direction,
        bytes.toString(),
      ]),
  ).toEqual([
    [1, 'out', 'a packet'],
    [1, 'in', 'another'],
  ]);
});

describe('the timestamp of a packet', () => {
  const times = () => file.content().packets.map(({ microseconds }) => microseconds);

  it('is wall clock time with the resolution of the monotonic clock', () => {
    const began = (START + clock.now()) * 1000;
    capture.innerPacket('out', Buffer.from('1'));
    clock.advance(0.25);
    capture.innerPacket('out', Buffer.from('2'));
    expect(times()).toEqual([began, began + 250]);
  });

  it('keeps its order when the wall clock is corrected by less than a second', () => {
    const began = (START + clock.now()) * 1000;
    capture.innerPacket('out', Buffer.from('1'));
    wallTime -= 900;
    clock.advance(1);
    capture.innerPacket('out', Buffer.from('2'));
    expect(times()).toEqual([began, began + 1000]);
  });

  it('follows the wall clock when it is set', () => {
    capture.innerPacket('out', Buffer.from('1'));
    wallTime += 86_400_000;
    capture.innerPacket('out', Buffer.from('2'));
    expect(times()[1]! - times()[0]!).toBe(86_400_000_000);
    wallTime = -10 * START;
    capture.innerPacket('out', Buffer.from('3'));
    expect(times()[2]).toBe(0);
  });
});

describe('a slow disk', () => {
  it('drops packets, and counts and reports them', async () => {
    const outside = await opened();
    capture.innerPacket('out', Buffer.from('1'));
    file.takes = false;
    capture.innerPacket('out', Buffer.from('2'));
    outside.send([datagram('3')]);
    file.takes = true;
    capture.innerPacket('in', Buffer.from('4'));
    await capture.close();
    const { packets, statistics } = file.content();
    expect(packets.map(({ bytes }) => bytes.toString())).toEqual(['1', '4']);
    expect(statistics).toEqual([
      [1, 1],
      [3, 1],
    ]);
    expect(lines).toEqual([
      [
        'warn',
        { packets: 4, leftOut: 2 },
        'capture closed; some packets could not be written to disk',
      ],
    ]);
    expect(socket.sent).toHaveLength(1);
  });

  it('drops no key, and does not write a packet before a waiting key', () => {
    file.takes = false;
    capture.ephemeralKey(seededBytes(3, 32));
    capture.innerPacket('out', Buffer.from('1'));
    capture.ephemeralKey(seededBytes(4, 32));
    file.takes = true;
    capture.innerPacket('out', Buffer.from('2'));
    const kinds = file
      .content()
      .contents.map((item) => (typeof item === 'string' ? 'key' : 'packet'));
    expect(kinds).toEqual(['key', 'key', 'key', 'packet']);
  });

  it('bounds the memory: only the newest 64 waiting keys are kept', () => {
    file.takes = false;
    for (let key = 0; key < 1000; key++) capture.ephemeralKey(new Uint8Array(32).fill(key));
    file.takes = true;
    capture.innerPacket('out', Buffer.from('1'));
    const { keyLog } = file.content();
    const kept = [...keyLog.matchAll(/^LOCAL_EPHEMERAL_PRIVATE_KEY = (.*)$/gm)];
    expect(kept).toHaveLength(64);
    expect(kept.at(-1)![1]).toBe(Buffer.alloc(32, 999 % 256).toString('base64'));
  });
});

it('reports only the number of written packets', async () => {
  capture.innerPacket('out', Buffer.from('1'));
  await capture.close();
  expect(file.content().statistics).toEqual([
    [0, 0],
    [1, 0],
  ]);
  expect(lines).toEqual([['info', { packets: 1 }, 'capture closed']]);
});

it('reports that the file ended early, and how many accepted packets it lacks', async () => {
  file.isWhole = false;
  capture.innerPacket('out', new Uint8Array([1]));
  (await opened()).send([datagram('2')]);
  capture.ephemeralKey(seededBytes(3, 32));
  capture.innerPacket('out', new Uint8Array([3]));
  file.takes = false;
  capture.innerPacket('out', new Uint8Array([4]));
  // The last packet, the key, and the datagram.
  file.lose(3);
  await capture.close();
  expect(lines).toEqual([
    [
      'warn',
      { packets: 4, leftOut: 3 },
      'capture closed; the last packets are missing from the file',
    ],
  ]);
  expect(file.content().statistics).toEqual([
    [1, 1],
    [3, 2],
  ]);
});
