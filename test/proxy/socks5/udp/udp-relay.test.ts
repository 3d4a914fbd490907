import { DropCounter } from '../../../../src/lib/drop-counter.js';
import type { DatagramAddress, UnsentReason } from '../../../../src/proxy/datagram-dialer.js';
import {
  KnownTargets,
  type UdpDropReason,
  UdpRelay,
} from '../../../../src/proxy/socks5/udp/udp-relay.js';
import { FakeSocket } from '../../../support/fakes/fake-socket.js';

const CLIENT = { address: '127.0.0.1', port: 5_000 };
const TARGET = Uint8Array.of(100, 127, 69, 42);
const HEADER = [0, 0, 0, 1, ...TARGET, 0, 53];
const NAME = [0, 0, 0, 3, 8, ...Buffer.from('one.test'), 0, 53];
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

let socket: FakeSocket;
let sent: { text: string; to: string }[];
let refusal: UnsentReason | undefined;
let first: string[];
let resolve: (name: string) => Promise<Uint8Array>;
let isClosed: boolean;
let now: number;

beforeEach(() => {
  socket = new FakeSocket();
  sent = [];
  refusal = undefined;
  first = [];
  resolve = () => Promise.reject(new Error('no such name'));
  isClosed = false;
  now = 0;
});

/** The drops of all relays. */
let totals = new DropCounter<UdpDropReason>();

function open(port = 0): UdpRelay {
  const relay = new UdpRelay({
    client: { address: '127.0.0.1', port },
    socket,
    resolve: (name) => resolve(name),
    now: () => now,
    totals,
    onDrop: (reason, target) =>
      first.push([reason, ...(target ? [target.host, target.port] : [])].join(' ')),
  });
  relay.open({
    send: (payload, { address, port: to }: DatagramAddress) => {
      if (refusal === undefined)
        sent.push({ text: text(payload), to: `${address.join('.')}:${to}` });
      return refusal;
    },
    close: () => (isClosed = true),
  });
  return relay;
}

function send(header: readonly number[], payload: string, endpoint = CLIENT): void {
  socket.receive({ bytes: Uint8Array.from([...header, ...Buffer.from(payload)]), endpoint });
}

const settle = () => new Promise((done) => setImmediate(done));
const answers = () =>
  socket.sent.map(({ bytes, endpoint }) => [text(bytes.subarray(10)), endpoint]);

it('relays to the target, and the answers of one turn together', async () => {
  const relay = open();
  const batches: number[] = [];
  const transmit = socket.send.bind(socket);
  socket.send = (datagrams) => {
    batches.push(datagrams.length);
    transmit(datagrams);
  };
  send(HEADER, 'one');
  send(HEADER, '');
  expect(sent).toEqual([
    { text: 'one', to: '100.127.69.42:53' },
    { text: '', to: '100.127.69.42:53' },
  ]);
  relay.handleTunnel(Buffer.from('two'), { address: TARGET, port: 53 });
  relay.handleTunnel(Buffer.from('three'), { address: TARGET, port: 54 });
  await settle();
  expect(batches).toEqual([2]);
  expect(answers()).toEqual([
    ['two', CLIENT],
    ['three', CLIENT],
  ]);
  expect([...socket.sent[1]!.bytes.subarray(0, 10)]).toEqual([...HEADER.slice(0, 9), 54]);
  expect([relay.sent, relay.received, relay.drops.total]).toEqual([2, 2, 0]);
});

it('keeps to the port of the first valid datagram', () => {
  const relay = open();
  send([0, 0, 1, 1, 1, 1, 1, 1, 0, 1], 'fragment', { ...CLIENT, port: 4_999 });
  send(HEADER, 'first');
  send(HEADER, 'other port', { ...CLIENT, port: 4_999 });
  send(HEADER, 'other host', { ...CLIENT, address: '127.0.0.2' });
  send(HEADER, 'second', { ...CLIENT });
  expect(sent.map((datagram) => datagram.text)).toEqual(['first', 'second']);
  expect([...relay.drops]).toEqual([
    ['fragment', 1],
    ['other-client', 2],
  ]);
});

it('keeps to the port that the client has announced', () => {
  const relay = open(CLIENT.port);
  send(HEADER, 'other port', { ...CLIENT, port: 4_999 });
  send(HEADER, 'right');
  expect(sent.map((datagram) => datagram.text)).toEqual(['right']);
  expect(relay.drops.of('other-client')).toBe(1);
});

it('refuses another host before the client has sent anything', () => {
  const relay = open();
  send(HEADER, 'x', { ...CLIENT, address: '127.0.0.2' });
  send(HEADER, 'y');
  expect(sent.map((datagram) => datagram.text)).toEqual(['y']);
  expect(relay.drops.of('other-client')).toBe(1);
});

it('drops an answer from a host to which the client has not sent, or not within 60 s', async () => {
  const relay = open();
  const from = { address: TARGET, port: 53 };
  relay.handleTunnel(Buffer.from('before'), from);
  send(HEADER, 'x');
  relay.handleTunnel(Buffer.from('other'), { address: Uint8Array.of(100, 127, 0, 1), port: 53 });
  now = 59_999;
  relay.handleTunnel(Buffer.from('in time'), from);
  now += 60_000;
  relay.handleTunnel(Buffer.from('late'), from);
  await settle();
  expect(answers()).toEqual([['in time', CLIENT]]);
  expect([...relay.drops]).toEqual([['other-sender', 2]]);
});

it.each(['no-route', 'too-long', 'queue-full'] as const)(
  'counts %s, and reports it once',
  (reason) => {
    const relay = open();
    refusal = reason;
    for (let count = 0; count < 3; count++) send(HEADER, 'x');
    expect([...relay.drops]).toEqual([[reason, 3]]);
    expect(first).toEqual([`${reason} 100.127.69.42 53`]);
    expect(relay.sent).toBe(0);
    // A host that was not reached may not answer.
    relay.handleTunnel(Buffer.from('x'), { address: TARGET, port: 53 });
    expect(relay.drops.of('other-sender')).toBe(1);
  },
);

it('drops answers for a client that does not read them', async () => {
  const relay = open();
  send(HEADER, 'x');
  socket.queuedBytes = 1024 * 1024 + 1;
  relay.handleTunnel(Buffer.from('x'), { address: TARGET, port: 53 });
  await settle();
  expect(socket.sent).toEqual([]);
  expect([...relay.drops]).toEqual([['slow-client', 1]]);
});

it('resolves a name, and sends the datagrams that waited for it in order', async () => {
  const asked: string[] = [];
  resolve = (name) => {
    asked.push(name);
    return Promise.resolve(TARGET);
  };
  const relay = open();
  send(NAME, 'one');
  send(NAME, 'two');
  expect(sent).toEqual([]);
  await settle();
  send(NAME, 'three');
  expect(sent.map((datagram) => datagram.text)).toEqual(['one', 'two', 'three']);
  expect(sent[0]!.to).toBe('100.127.69.42:53');
  expect(asked).toEqual(['one.test']);
  relay.handleTunnel(Buffer.from('x'), { address: TARGET, port: 53 });
  await settle();
  expect([...socket.sent[0]!.bytes.subarray(0, 10)]).toEqual(HEADER);
});

it('drops the datagrams to a name that does not exist', async () => {
  const relay = open();
  send(NAME, 'one');
  await settle();
  send(NAME, 'two');
  expect([...relay.drops]).toEqual([['name-unresolved', 2]]);
  expect(first).toEqual(['name-unresolved one.test 53']);
  expect(sent).toEqual([]);
});

it('bounds the datagrams that wait for names', () => {
  resolve = () => new Promise(() => undefined);
  const relay = open();
  for (let count = 0; count < 70; count++) send(NAME, 'x');
  expect([...relay.drops]).toEqual([['too-many-names', 6]]);
});

it('relays nothing after close, in either direction', async () => {
  let found: (address: Uint8Array) => void = () => undefined;
  resolve = () => new Promise((done) => (found = done));
  const relay = open();
  send(HEADER, 'x');
  send(NAME, 'waits');
  relay.handleTunnel(Buffer.from('x'), { address: TARGET, port: 53 });
  relay.close();
  found(TARGET);
  send(HEADER, 'y');
  relay.handleTunnel(Buffer.from('y'), { address: TARGET, port: 53 });
  await settle();
  expect(sent.map((datagram) => datagram.text)).toEqual(['x']);
  expect(socket.sent).toEqual([]);
  expect(isClosed).toBe(true);
  expect(relay.drops.of('closed')).toBe(2);
});

it('counts its drops together with those of other relays', () => {
  totals = new DropCounter();
  resolve = () => new Promise(() => undefined);
  open();
  for (let count = 0; count < 70; count++) send(NAME, 'x');
  open();
  for (let count = 0; count < 70; count++) send(NAME, 'x');
  expect([...totals]).toEqual([['too-many-names', 12]]);
});

it('lets the 256 hosts answer to which the client has sent last', () => {
  const targets = new KnownTargets();
  const ipv6 = new Uint8Array(16).fill(1);
  const address = (index: number) => Uint8Array.of(10, 0, index >> 8, index & 0xff);
  for (let index = 0; index < 255; index++) targets.note(address(index), index);
  targets.note(ipv6, 255);
  targets.note(address(0), 256);
  targets.note(address(1000), 257);
  const mayAnswer = (host: Uint8Array) => targets.mayAnswer(host, 258);
  expect([0, 2, 1000].map(address).every(mayAnswer)).toBe(true);
  expect(mayAnswer(ipv6.slice())).toBe(true);
  expect([address(1), new Uint8Array(16)].some(mayAnswer)).toBe(false);
});
