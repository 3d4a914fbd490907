/** Many connections through one stack under stress. */
import { packetInSlot } from '../../src/lib/packets/packet-slot.js';
import { Stack, type StackLimits } from '../../src/netstack/stack.js';
import type { TcpConnection, TcpObserver } from '../../src/netstack/tcp/connection.js';
import { sumPseudoHeader } from '../../src/wire/checksum.js';
import { createIpv4Header, finishIpv4Header } from '../../src/wire/ipv4.js';
import * as tcp from '../../src/wire/tcp.js';
import {
  ip,
  LEFT_ADDRESS,
  RIGHT_ADDRESS,
  seededEntropy,
  seededRandom,
} from '../support/pairs/netstack-pair.js';

const PORT = 80;
const DEAD_PORT = 81;

/** Two stacks connected without delay, so that only the stacks take time. */
export class ScalePair {
  readonly left: Stack;
  readonly right: Stack;
  now = 1_000;

  constructor(limits: Partial<StackLimits>) {
    const create = (address: typeof LEFT_ADDRESS, seed: number) =>
      new Stack(
        { addresses: [address], mtu: 1420, entropy: seededEntropy(seed), limits },
        this.now,
      );
    this.left = create(LEFT_ADDRESS, 1);
    this.right = create(RIGHT_ADDRESS, 2);
  }

  /** Exchanges packets until neither side has one. */
  exchange(): void {
    for (let isBusy = true; isBusy;) {
      isBusy = this.#carry(this.left, this.right);
      isBusy = this.#carry(this.right, this.left) || isBusy;
    }
  }

  #carry(from: Stack, to: Stack): boolean {
    const packets: Uint8Array[] = [];
    const hasMore = from.drain((slot) => packets.push(packetInSlot(slot)), this.now);
    for (const packet of packets) to.handlePacket(packet, this.now);
    return hasMore || packets.length > 0;
  }

  /** Lets time pass, and runs the timers that expire. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      this.exchange();
      const next = Math.min(this.left.nextTimeout(), this.right.nextTimeout());
      if (next > end) break;
      this.now = Math.max(this.now, next);
      this.left.handleTimeout(this.now);
      this.right.handleTimeout(this.now);
    }
    this.now = end;
  }
}

/** Records how its connection ended, reads incoming data, and performs its actions. */
class Client implements TcpObserver {
  connection!: TcpConnection;
  ending = '';
  isEstablished = false;
  readonly received: number[] = [];

  readonly #pair: ScalePair;

  constructor(pair: ScalePair) {
    this.#pair = pair;
  }

  established(): void {
    this.isEstablished = true;
  }
  readable(): void {
    const bytes = this.connection.receive(1 << 16, this.#pair.now);
    if (bytes !== undefined) this.received.push(...bytes);
  }
  writable(): void {
    // The data sent here always fits the buffer.
  }
  remoteClosed(): void {
    this.connection.shutdown();
  }
  closed(reason: string): void {
    this.ending = reason;
  }
}

/** Echoes incoming data. */
class Echo extends Client {
  override readable(): void {
    super.readable();
    this.connection.send(Uint8Array.from(this.received.splice(0)));
  }
}

function listenForEchoes(pair: ScalePair, stack: Stack): void {
  stack.listenTcp({ port: PORT }, (connection) => {
    const echo = new Echo(pair);
    echo.connection = connection;
    return echo;
  });
}

export interface Outcome {
  /** The number of connections that ended normally. */
  readonly good: number;
  readonly wrong: readonly string[];
}

/** Opens `count` connections at the same time, uses each, and closes it. */
export function openUseClose(pair: ScalePair, count: number): Outcome {
  listenForEchoes(pair, pair.right);
  const clients: Client[] = [];
  const remote = { address: RIGHT_ADDRESS, port: PORT };
  for (let index = 0; index < count; index++) {
    const client = new Client(pair);
    client.connection = pair.left.connectTcp(remote, client, pair.now);
    clients.push(client);
    // The listener's backlog is sized for bursts, not for all connections at once.
    if (index % 100 === 99) pair.exchange();
  }
  pair.pass(5_000);
  for (const [index, client] of clients.entries()) {
    client.connection.send(Uint8Array.of(index, index >> 8));
  }
  pair.pass(5_000);
  for (const client of clients) client.connection.shutdown();
  pair.pass(120_000);
  return judge(
    clients,
    ({ isEstablished, ending, received }, index) =>
      isEstablished &&
      ending === 'normal' &&
      received.join() === [index & 0xff, (index >> 8) & 0xff].join(),
  );
}

/** Opens `count` connections to a port without a listener, as fast as the stack sends RSTs. */
export function connectToDeadPort(pair: ScalePair, count: number): Outcome {
  const clients: Client[] = [];
  const remote = { address: RIGHT_ADDRESS, port: DEAD_PORT };
  for (let index = 0; index < count; index++) {
    const client = new Client(pair);
    client.connection = pair.left.connectTcp(remote, client, pair.now);
    clients.push(client);
    // At most 100 RSTs a second leave.
    if (index % 100 === 99) pair.pass(1_000);
  }
  pair.pass(120_000);
  return judge(clients, ({ ending }) => ending === 'refused');
}

/** Sends `count` SYNs from forged addresses; each legitimate connection in between must succeed. */
export function synFlood(pair: ScalePair, count: number, honest: number): Outcome {
  listenForEchoes(pair, pair.right);
  const random = seededRandom(3);
  const source = Uint8Array.from(ip('10.9.0.0'));
  const clients: Client[] = [];
  const every = Math.floor(count / honest);
  for (let index = 0; index < count; index++) {
    source[2] = random() * 256;
    source[3] = random() * 256;
    pair.right.handlePacket(syn(source, 1024 + random() * 60_000, random() * 2 ** 32), pair.now);
    if (index % 500 === 499) {
      pair.right.drain(() => undefined, pair.now, 2_000);
      pair.now += 1;
    }
    if (index % every !== every - 1) continue;
    const client = new Client(pair);
    client.connection = pair.left.connectTcp(
      { address: RIGHT_ADDRESS, port: PORT },
      client,
      pair.now,
    );
    clients.push(client);
    pair.exchange();
    client.connection.send(Uint8Array.of(clients.length));
    pair.exchange();
    client.connection.shutdown();
    pair.exchange();
  }
  pair.pass(180_000);
  return judge(
    clients,
    ({ isEstablished, ending, received }, index) =>
      isEstablished && ending === 'normal' && received.join() === String((index + 1) & 0xff),
  );
}

function judge(clients: Client[], isGood: (client: Client, index: number) => boolean): Outcome {
  const wrong = clients
    .map((client, index) =>
      isGood(client, index)
        ? ''
        : `${index}: ${client.ending || client.connection.state}, got [${client.received.join()}]`,
    )
    .filter((text) => text !== '');
  return { good: clients.length - wrong.length, wrong: wrong.slice(0, 5) };
}

/** A SYN from an unknown host. */
function syn(source: Uint8Array, port: number, sequence: number): Uint8Array {
  const packet = new Uint8Array(44);
  packet.set(createIpv4Header(source, RIGHT_ADDRESS, 6));
  finishIpv4Header(packet, 0, packet.length);
  tcp.writeTcpPorts(packet, 20, Math.floor(port), PORT);
  tcp.writeTcpNumbers(packet, 20, Math.floor(sequence), 0);
  tcp.writeTcpControl(packet, 20, 24, tcp.SYN, 65_535);
  packet.set([2, 4, 5, 100], 40);
  tcp.finishTcp(packet, 20, 24, sumPseudoHeader(source, RIGHT_ADDRESS, 6, 24));
  return packet;
}
