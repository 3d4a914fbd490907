/** In-memory fakes for the emulator's ports. */
import { createHash } from 'node:crypto';
import { Duplex } from 'node:stream';

import type { Entropy } from '../../src/ports/entropy.js';
import type {
  ArcNetwork,
  ArcPeer,
  ArcPingOptions,
  ConnectionHandler,
  CreateArcNetwork,
  DatagramHandler,
} from '../../src/emulator/arc-network.js';
import { DialError } from '../../src/proxy/dialer.js';
import type { Secret } from '../../src/lib/secrets/secret.js';
import { Sims } from '../../src/emulator/sims.js';
import { formatIpAddress, parseIpAddress, type SocketAddress } from '../../src/wire/ip-address.js';

/** Bytes that are the same in each run, and never repeat within one. */
export function seededEntropy(): Entropy {
  let count = 0;
  return {
    fill: (bytes) => {
      const block = createHash('sha256').update(String(count++)).digest();
      for (let index = 0; index < bytes.length; index++) bytes[index] = block[index % 32]!;
    },
  };
}

/** A wall clock that stands still until it is set. */
export class FakeWallClock {
  now = Date.UTC(2026, 0, 2, 3, 4, 5);
  unixMilliseconds(): number {
    return this.now;
  }
}

/** Not X25519, but each private key has a distinct "public key". */
export const fakeCrypto = {
  publicKey: (privateKey: Uint8Array) => privateKey.map((byte) => byte ^ 0xff),
};

export function ip(text: string): Uint8Array {
  const address = parseIpAddress(text);
  if (address === undefined) throw new RangeError(text);
  return address;
}

/** The SIMs of an emulator with two virtual ones, at 10.0.0.2 and 10.0.0.3. */
export function twoSims(): { sims: Sims; simIds: [string, string] } {
  const [arc, entropy, wallClock] = [new FakeArcNetwork(), seededEntropy(), new FakeWallClock()];
  const sims = new Sims({ crypto: fakeCrypto, entropy, wallClock, arc });
  const create = () => sims.create('OP0000000000')!.sim.simId;
  return { sims, simIds: [create(), create()] };
}

/** A pair of streams with half-close: what one end writes, the other reads. */
export function streamPair(): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  const end = (other: number) =>
    new Duplex({
      allowHalfOpen: true,
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        ends[other]!.push(chunk);
        setImmediate(done);
      },
      final: (done) => {
        ends[other]!.push(null);
        done();
      },
      destroy: (error, done) => {
        const peer = ends[other]!;
        setImmediate(() => peer.destroy());
        done(error);
      },
    });
  ends.push(end(1), end(0));
  return [ends[0]!, ends[1]!];
}

/** A network without packets: connections and datagrams go directly to their listeners. */
export class FakeArcNetwork implements ArcNetwork {
  readonly endpoint: { address: string; port: number };
  publicKey: Uint8Array = new Uint8Array(32).fill(9);
  readonly events: string[] = [];
  readonly peers = new Map<string, ArcPeer>();
  readonly #tcp = new Map<string, ConnectionHandler>();
  readonly #udp = new Map<string, DatagramHandler>();

  constructor(endpoint = { address: '127.0.0.1', port: 11010 }) {
    this.endpoint = endpoint;
  }

  addPeer(peer: ArcPeer): void {
    this.events.push(`add ${formatIpAddress(peer.address)}`);
    this.peers.set(peer.publicKey.join(), peer);
  }

  setPrivateKey(privateKey: Secret<Uint8Array>): void {
    this.events.push('key');
    this.publicKey = fakeCrypto.publicKey(privateKey.expose());
    this.peers.clear();
  }

  removePeer(publicKey: Uint8Array): void {
    const peer = this.peers.get(publicKey.join());
    this.events.push(`remove ${peer ? formatIpAddress(peer.address) : 'no peer'}`);
    this.peers.delete(publicKey.join());
  }

  listenTcp(local: SocketAddress, onConnection: ConnectionHandler): void {
    this.#tcp.set(text(local), onConnection);
  }

  bindUdp(local: SocketAddress, onDatagram: DatagramHandler): void {
    this.#udp.set(text(local), onDatagram);
  }

  /** The time of the last handshake of every peer. */
  handshake: number | undefined;

  lastHandshake(): number | undefined {
    return this.handshake;
  }

  dialer: ArcNetwork['dialer'] = {
    dial: () => Promise.reject(new DialError('refused', 'no dialer')),
  };

  datagramDialer: ArcNetwork['datagramDialer'] = {
    open: () => Promise.reject(new DialError('refused', 'no dialer')),
  };

  /** The round-trip time of every ping; undefined for no reply. */
  roundTrip: number | undefined;

  ping(address: Uint8Array, { count, timeout }: ArcPingOptions): Promise<number | undefined> {
    this.events.push(`ping ${formatIpAddress(address)} ${count} ${timeout}`);
    return Promise.resolve(this.roundTrip);
  }

  close(): Promise<void> {
    this.events.push('close');
    return Promise.resolve();
  }

  /** A client's end of a new connection. */
  connect(to: string, from: string): Duplex {
    const [client, server] = streamPair();
    const handler = this.#tcp.get(to);
    if (handler === undefined) throw new RangeError(`no listener on ${to}`);
    handler(server, { address: ip(from), port: 50_000 });
    return client;
  }

  /** The replies to one datagram. */
  exchange(to: string, payload: Uint8Array, from = '10.0.0.2'): Uint8Array[] {
    const handler = this.#udp.get(to);
    if (handler === undefined) throw new RangeError(`no socket on ${to}`);
    const replies: Uint8Array[] = [];
    handler(payload, { address: ip(from), port: 50_000 }, (reply) => replies.push(reply));
    return replies;
  }
}

function text({ address, port }: SocketAddress): string {
  return `${formatIpAddress(address)}:${port}`;
}

/** Returns one FakeArcNetwork, which records its arguments. */
export function fakeNetworks(): {
  create: CreateArcNetwork;
  created: { options: Parameters<CreateArcNetwork>[0]; network: FakeArcNetwork }[];
} {
  const created: { options: Parameters<CreateArcNetwork>[0]; network: FakeArcNetwork }[] = [];
  return {
    created,
    create: (options) => {
      const { address, port } = options.listen;
      const network = new FakeArcNetwork({ address, port: port === 0 ? 40_000 : port });
      created.push({ options, network });
      return Promise.resolve(network);
    },
  };
}

/** All data of a stream until it ends, as text. */
export async function readAll(stream: Duplex): Promise<string> {
  let all = '';
  for await (const chunk of stream) all += String(chunk);
  return all;
}
