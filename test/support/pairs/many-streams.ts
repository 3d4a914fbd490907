/**
 * Runs many connections over one bad link in virtual time from a seed, with endless data both ways.
 * Measures whether any stalls, how fairly they share the link, and whether memory use grows.
 */
import type { TcpConnection, TcpObserver } from '../../../src/netstack/tcp/connection.js';
import { type LinkOptions, NetstackPair, patternBytes, RIGHT_ADDRESS } from './netstack-pair.js';

/** The data that all streams repeat. */
const BLOCK = patternBytes(64 * 1024, 3);
const PORT = 80;

export interface ManyStreamsOptions {
  /** The number of connections; each carries a stream in both directions. */
  readonly connections: number;
  /**
   * Virtual milliseconds at the start that are not measured, because all connections start at once.
   */
  readonly warmUp: number;
  /** Virtual milliseconds that are measured. */
  readonly duration: number;
  readonly link: LinkOptions;
}

export interface ManyStreamsResult {
  /** The longest time without a new octet, as a multiple of the sender's RTO at that time. */
  readonly longestStall: number;
  /** The longest time without a new octet, in ms. */
  readonly longestStallTime: number;
  /** The ratio of octets between the fastest and the slowest stream, per direction. */
  readonly unfairness: readonly [there: number, back: number];
  /** Octets per ms of all streams in a direction. */
  readonly goodput: readonly [there: number, back: number];
  /** The maximum fill of both stacks' buffers in each quarter of the run. */
  readonly bufferBytes: readonly number[];
  /** The number of received octets that differ from what was sent. */
  readonly wrong: number;
  readonly isEstablished: boolean;
}

/** One end of a connection that sends endlessly and counts received octets. */
class StreamEnd implements TcpObserver {
  connection!: TcpConnection;
  peer!: StreamEnd;
  received = 0;
  wrong = 0;
  longestStall = 0;
  longestStallTime = 0;
  isClosed = false;
  readonly #pair: NetstackPair;
  #sent = 0;
  #receivedBefore = 0;
  #heardAt: number;
  #rto = 0;

  constructor(pair: NetstackPair) {
    this.#pair = pair;
    this.#heardAt = pair.now;
  }

  established(): void {
    this.writable();
  }

  writable(): void {
    for (;;) {
      const at = this.#sent % BLOCK.length;
      const taken = this.connection.send(BLOCK.subarray(at));
      this.#sent += taken;
      if (at + taken < BLOCK.length) return;
    }
  }

  readable(): void {
    for (;;) {
      const bytes = this.connection.receive(BLOCK.length, this.#pair.now);
      if (bytes === undefined) break;
      if (bytes[0] !== BLOCK[this.received % BLOCK.length]) this.wrong++;
      this.received += bytes.length;
      if (bytes.at(-1) !== BLOCK[(this.received - 1) % BLOCK.length]) this.wrong++;
    }
    this.noteTime();
  }

  /** Records the time since the last octet. */
  noteTime(): void {
    const { now } = this.#pair;
    const rto = this.peer.connection.info().rto;
    const stall = now - this.#heardAt;
    const longest = Math.max(rto, this.#rto);
    this.longestStall = Math.max(this.longestStall, stall / longest);
    this.longestStallTime = Math.max(this.longestStallTime, stall);
    this.#heardAt = now;
    this.#rto = rto;
  }

  /** The octets received since begin(). */
  get measured(): number {
    return this.received - this.#receivedBefore;
  }

  /** Starts the measurement and discards earlier counts. */
  begin(): void {
    this.#heardAt = this.#pair.now;
    this.#receivedBefore = this.received;
    this.longestStall = 0;
    this.longestStallTime = 0;
  }

  remoteClosed(): void {
    this.isClosed = true;
  }

  closed(): void {
    this.isClosed = true;
  }
}

export function runManyStreams(options: ManyStreamsOptions): ManyStreamsResult {
  const { connections, warmUp, duration, link } = options;
  const pair = new NetstackPair(link);
  const clients: StreamEnd[] = [];
  const servers: StreamEnd[] = [];
  pair.right.listenTcp(
    { port: PORT },
    (connection) => {
      const server = new StreamEnd(pair);
      server.connection = connection;
      const client = clients.find(
        (other) => other.connection.local.port === connection.remote.port,
      )!;
      server.peer = client;
      client.peer = server;
      servers.push(server);
      return server;
    },
    { backlog: connections },
  );
  for (let count = 0; count < connections; count++) {
    const client = new StreamEnd(pair);
    client.connection = pair.left.connectTcp(
      { address: RIGHT_ADDRESS, port: PORT },
      client,
      pair.now,
    );
    clients.push(client);
  }
  pair.run(20_000, () => servers.length === connections);
  pair.run(warmUp);
  const ends = [...clients, ...servers];
  for (const end of ends) end.begin();

  const bufferBytes: number[] = [];
  for (let quarter = 0; quarter < 4; quarter++) {
    let most = 0;
    for (let part = 0; part < 50; part++) {
      pair.run(duration / 200);
      most = Math.max(most, pair.left.usage.bufferBytes + pair.right.usage.bufferBytes);
    }
    bufferBytes.push(most);
  }
  for (const end of ends) end.noteTime();

  const each = (measure: (end: StreamEnd) => number): number[] => ends.map(measure);
  const total = (side: readonly StreamEnd[]): number =>
    side.reduce((sum, { measured }) => sum + measured, 0) / duration;
  return {
    longestStall: Math.max(...each((end) => end.longestStall)),
    longestStallTime: Math.max(...each((end) => end.longestStallTime)),
    unfairness: [spread(servers), spread(clients)],
    goodput: [total(servers), total(clients)],
    bufferBytes,
    wrong: each((end) => end.wrong).reduce((sum, wrong) => sum + wrong, 0),
    isEstablished: servers.length === connections && ends.every(({ isClosed }) => !isClosed),
  };
}

function spread(side: readonly StreamEnd[]): number {
  const measured = side.map((end) => end.measured);
  return Math.max(...measured) / Math.min(...measured);
}
