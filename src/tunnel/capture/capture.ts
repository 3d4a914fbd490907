/**
 * Writes a tunnel's traffic to a pcapng file. One interface contains the outer datagrams, the other
 * contains the inner packets. The file also contains the keys that decrypt the datagrams.
 *
 * The kernel adds a datagram's headers, so the capture recreates them. If the socket is not bound
 * to an address, the local address in these headers is the unspecified address.
 */
import { formatKey } from '../../lib/text/key-text.js';
import { parseIpAddress, type SocketAddress } from '../../wire/ip-address.js';
import {
  enhancedPacket,
  interfaceDescription,
  interfaceStatistics,
  sectionHeader,
  wireguardKeyLog,
} from './pcapng.js';
import { createUdpPacket } from '../../wire/udp-packet.js';
import type { CaptureFile } from '../../ports/capture-file.js';
import type { DatagramSocket, DatagramSockets } from '../../ports/datagram-sockets.js';
import type { Datagram, Endpoint } from '../../ports/datagram.js';
import type { TunnelConfig } from '../tunnel-config.js';
import type { TunnelPorts } from '../tunnel-ports.js';

const COMMENT =
  'The secrets in this file can be used to decrypt its traffic, and the private key can be used to open tunnels.';
const OUTSIDE = 0;
const INSIDE = 1;
const INTERFACES = [
  {
    name: 'outside',
    description: 'WireGuard packets that arctun exchanged with the operating system',
  },
  { name: 'inside', description: 'IP packets inside the tunnel' },
] as const;

/**
 * The maximum number of keys queued for a slow disk. Each session adds one key, and a session lasts
 * for minutes.
 */
const MAX_WAITING_SECRETS = 64;

/**
 * If the wall clock and the monotonic clock drift apart by more than this many ms, the offset
 * between them is measured again.
 */
const LARGEST_DRIFT = 1_000;

class Counts {
  received = 0;
  /** The number of received packets that are missing from the file. */
  dropped = 0;
  readonly onLost = (): void => {
    this.dropped++;
  };
}

type NamedKey = readonly [name: string, key: Uint8Array];

export interface CaptureOptions {
  /** Creates a file with this header. Called last, after all other checks. */
  readonly createFile: (header: readonly Uint8Array[]) => Promise<CaptureFile>;
  /** The name of the application to record in the file. */
  readonly application: string;
}

/**
 * Returns the blocks at the beginning of the file.
 *
 * @param application the name of the application to record in the file
 */
export function captureHeader(config: TunnelConfig, application: string): readonly Uint8Array[] {
  return [
    sectionHeader({ application, comment: COMMENT }),
    ...INTERFACES.map((text) => interfaceDescription(text)),
    keyLog([
      ['LOCAL_STATIC_PRIVATE_KEY', config.privateKey.expose()],
      ['REMOTE_STATIC_PUBLIC_KEY', config.serverPublicKey],
    ]),
  ];
}

export class Capture {
  /** The ports for the captured tunnel. */
  readonly ports: TunnelPorts;
  readonly #file: CaptureFile;
  readonly #secrets: Uint8Array[] = [];
  readonly #counts: readonly [Counts, Counts] = [new Counts(), new Counts()];
  /** The difference between the wall clock and the monotonic clock in milliseconds. */
  #offset = NaN;

  /** @param file a file that already contains the header */
  constructor(file: CaptureFile, ports: TunnelPorts) {
    this.#file = file;
    const { innerPacket, ephemeralKey } = this;
    const observer = { innerPacket, ephemeralKey };
    this.ports = { ...ports, observer, sockets: this.#capturedSockets(ports.sockets) };
  }

  /** @throws UserError if the file cannot be created */
  static async open(
    { createFile, application }: CaptureOptions,
    ports: TunnelPorts,
    config: TunnelConfig,
  ): Promise<Capture> {
    return new Capture(await createFile(captureHeader(config, application)), ports);
  }

  readonly innerPacket = (direction: 'in' | 'out', packet: Uint8Array): void => {
    this.#add(INSIDE, direction, packet);
  };

  readonly ephemeralKey = (privateKey: Uint8Array): void => {
    if (this.#secrets.length === MAX_WAITING_SECRETS) this.#secrets.shift();
    this.#secrets.push(keyLog([['LOCAL_EPHEMERAL_PRIVATE_KEY', privateKey]]));
    this.#writeSecrets();
  };

  /** Completes the file. Call this when the tunnel is closed. */
  async close(): Promise<void> {
    const at = this.#microseconds();
    const isWhole = await this.#file.close(
      this.#counts.map((counts, interfaceId) => interfaceStatistics(interfaceId, at, counts)),
    );
    const [outside, inside] = this.#counts;
    const packets = outside.received + inside.received;
    const leftOut = outside.dropped + inside.dropped;
    const { log } = this.ports;
    if (!isWhole) {
      log.warn({ packets, leftOut }, 'capture closed; the last packets are missing from the file');
    } else if (leftOut === 0) log.info({ packets }, 'capture closed');
    else
      log.warn({ packets, leftOut }, 'capture closed; some packets could not be written to disk');
  }

  #capturedSockets(sockets: DatagramSockets): DatagramSockets {
    return {
      open: async (local) =>
        new CapturedSocket(await sockets.open(local), (direction, datagram, socket) => {
          const remote = socketAddress(datagram.endpoint);
          const own = ownAddress(socket, remote);
          const [from, to] = direction === 'out' ? [own, remote] : [remote, own];
          this.#add(OUTSIDE, direction, createUdpPacket(from, to, datagram.bytes));
        }),
    };
  }

  #add(interfaceId: 0 | 1, direction: 'in' | 'out', packet: Uint8Array): void {
    const counts = this.#counts[interfaceId];
    counts.received++;
    const block = enhancedPacket(interfaceId, this.#microseconds(), direction, packet);
    // Write the keys before the packets that they decrypt.
    const isTaken = this.#writeSecrets() && this.#file.write(block, counts.onLost);
    if (!isTaken) counts.onLost();
  }

  /** @returns whether all queued keys were written */
  #writeSecrets(): boolean {
    for (let next = this.#secrets[0]; next !== undefined; next = this.#secrets[0]) {
      if (!this.#file.write(next)) return false;
      this.#secrets.shift();
    }
    return true;
  }

  /**
   * Returns the time in microseconds since 1970, with a higher resolution than the wall clock. The
   * time is monotonic unless the wall clock is set.
   */
  #microseconds(): number {
    const now = this.ports.clock.now();
    const wallTime = this.ports.wallClock.unixMilliseconds();
    if (!(Math.abs(wallTime - now - this.#offset) < LARGEST_DRIFT)) this.#offset = wallTime - now;
    return Math.max(0, Math.round((now + this.#offset) * 1000));
  }
}

/** A socket that passes each datagram to the capture before its bytes can change. */
class CapturedSocket implements DatagramSocket {
  onReceive: DatagramSocket['onReceive'] = () => undefined;
  onDrain: DatagramSocket['onDrain'] = () => undefined;
  onError: DatagramSocket['onError'] = () => undefined;
  readonly #socket: DatagramSocket;
  readonly #show: (direction: 'in' | 'out', datagram: Datagram, socket: DatagramSocket) => void;

  constructor(
    socket: DatagramSocket,
    show: (direction: 'in' | 'out', datagram: Datagram, socket: DatagramSocket) => void,
  ) {
    this.#socket = socket;
    this.#show = show;
    socket.onReceive = (datagrams) => {
      for (const datagram of datagrams) show('in', datagram, socket);
      this.onReceive(datagrams);
    };
    socket.onDrain = () => this.onDrain();
    socket.onError = (error, unsent) => this.onError(error, unsent);
  }

  get localAddress(): string {
    return this.#socket.localAddress;
  }

  get localPort(): number {
    return this.#socket.localPort;
  }

  get queuedBytes(): number {
    return this.#socket.queuedBytes;
  }

  get isFlushed(): boolean {
    return this.#socket.isFlushed;
  }

  send(datagrams: readonly Datagram[]): void {
    for (const datagram of datagrams) this.#show('out', datagram, this.#socket);
    this.#socket.send(datagrams);
  }

  close(): Promise<void> {
    return this.#socket.close();
  }
}

function keyLog(keys: readonly NamedKey[]): Uint8Array {
  const lines = keys.map(([name, key]) => `${name} = ${formatKey(key)}\n`);
  return wireguardKeyLog(lines.join(''));
}

function socketAddress({ address, port }: Endpoint): SocketAddress {
  // A link-local address may name its interface after a percent sign.
  const parsed = parseIpAddress(address.split('%', 1)[0] ?? '');
  return { address: parsed ?? new Uint8Array(4), port };
}

function ownAddress(socket: DatagramSocket, { address: remote }: SocketAddress): SocketAddress {
  const own = socketAddress({ address: socket.localAddress, port: socket.localPort });
  if (own.address.length === remote.length) return own;
  return { address: new Uint8Array(remote.length), port: own.port };
}
