/**
 * A UDP relay between the two WireGuard ends that simulates a path's rate, delay, loss and
 * reordering:
 *
 *     node relay.js LISTEN:PORT TARGET:PORT '{"rate":100,"delay":10,"queue":20,"loss":0.01,"reorder":0,"seed":1}'
 *
 * All clients share one bottleneck in each direction. The relay prints `listening`. When standard
 * input ends, it prints its statistics as one JSON line and exits.
 */
import { createSocket } from 'node:dgram';
import { setTimeout } from 'node:timers';

import { Histogram } from './histogram.js';
import { Link, seededRandom } from './link.js';

/** The socket buffer size in bytes; Linux allows the lab's child processes to set it. */
const SOCKET_BUFFER = 4 * 1024 * 1024;

const [listen, target, settings] = process.argv.slice(2);
const [listenHost, listenPort] = listen.split(':');
const [targetHost, targetPort] = target.split(':');
const { seed, ...path } = JSON.parse(settings);

/** The datagrams in flight in one direction, by arrival time. */
class Direction {
  #link;
  #queueing = new Histogram();
  #lateness = new Histogram();
  /**
   * Datagrams that stay in order, by arrival time, which never decreases. #first is the index of
   * the next one.
   */
  #inOrder = [];
  #first = 0;
  /** The few datagrams that others may overtake, sorted by arrival time. */
  #late = [];

  constructor(seedOfDirection) {
    this.#link = new Link({ ...path, random: seededRandom(seedOfDirection) });
  }

  get nextArrival() {
    const inOrder = this.#inOrder[this.#first]?.arrival ?? Infinity;
    return Math.min(inOrder, this.#late[0]?.arrival ?? Infinity);
  }

  accept(bytes, send, now) {
    const link = this.#link;
    const arrival = link.send(bytes.length, now);
    if (arrival < 0) return;
    this.#queueing.add(link.queueDelay);
    const entry = { bytes, send, arrival };
    if (!link.isLate) {
      this.#inOrder.push(entry);
      return;
    }
    let at = this.#late.length;
    while (at > 0 && this.#late[at - 1].arrival > arrival) at--;
    this.#late.splice(at, 0, entry);
  }

  deliver(now) {
    for (let next; (next = this.#take(now)) !== undefined;) {
      this.#lateness.add(now - next.arrival);
      next.send(next.bytes);
    }
  }

  report() {
    const { passed, lost, dropped, reordered } = this.#link;
    const queueing = this.#queueing;
    const queue = {
      mean: queueing.mean,
      median: queueing.quantile(0.5),
      p95: queueing.quantile(0.95),
    };
    const lateness = { median: this.#lateness.quantile(0.5), p99: this.#lateness.quantile(0.99) };
    return { passed, lost, dropped, reordered, queue, lateness };
  }

  #take(now) {
    const inOrder = this.#inOrder[this.#first];
    const late = this.#late[0];
    if (late !== undefined && !(inOrder?.arrival < late.arrival)) {
      return late.arrival <= now ? this.#late.shift() : undefined;
    }
    if (inOrder === undefined || inOrder.arrival > now) return undefined;
    this.#inOrder[this.#first++] = undefined;
    if (this.#first === this.#inOrder.length || this.#first === COMPACT) {
      this.#inOrder.splice(0, this.#first);
      this.#first = 0;
    }
    return inOrder;
  }
}

/** The number of delivered entries to remove from the array at once. */
const COMPACT = 1024;

const up = new Direction(seed * 2);
const down = new Direction(seed * 2 + 1);
const clients = new Map();
let timer;
let timerAt = Infinity;

/** Delivers due datagrams at each input, so the timer's resolution matters only between inputs. */
function turn(now) {
  up.deliver(now);
  down.deliver(now);
  const at = Math.min(up.nextArrival, down.nextArrival);
  if (at === Infinity || at >= timerAt) return;
  timerAt = at;
  if (timer === undefined) timer = setTimeout(wake, Math.max(1, Math.floor(at - now)));
}

function wake() {
  timer = undefined;
  timerAt = Infinity;
  turn(performance.now());
}

const inside = createSocket({
  type: 'udp4',
  lookup: (host, _options, done) => done(null, host, 4),
});
inside.on('message', (bytes, from) => {
  const now = performance.now();
  let client = clients.get(from.port);
  if (client === undefined) {
    client = newClient(from);
    clients.set(from.port, client);
  }
  up.accept(bytes, client.toServer, now);
  turn(now);
});

function newClient({ port, address }) {
  const outside = createSocket('udp4');
  const toClient = (bytes) => inside.send(bytes, port, address);
  let waiting = [];
  outside.on('message', (bytes) => {
    const now = performance.now();
    down.accept(bytes, toClient, now);
    turn(now);
  });
  // If the server is not listening yet, ICMP reports an error, which counts as a loss.
  outside.on('error', () => undefined);
  outside.connect(Number(targetPort), targetHost, () => {
    outside.setRecvBufferSize(SOCKET_BUFFER);
    outside.setSendBufferSize(SOCKET_BUFFER);
    for (const bytes of waiting) outside.send(bytes);
    waiting = undefined;
  });
  return {
    toServer: (bytes) => {
      if (waiting === undefined) outside.send(bytes);
      else waiting.push(bytes);
    },
  };
}

inside.on('error', (error) => {
  // Ignore ECONNREFUSED, because the client may have exited.
  if (error.code !== 'ECONNREFUSED') throw error;
});
inside.bind(Number(listenPort), listenHost, () => {
  inside.setRecvBufferSize(SOCKET_BUFFER);
  inside.setSendBufferSize(SOCKET_BUFFER);
  console.log('listening');
});

process.stdin.resume().on('end', () => {
  const { user, system } = process.cpuUsage();
  const cpu = (user + system) / 1e6 / process.uptime();
  process.stdout.write(`${JSON.stringify({ up: up.report(), down: down.report(), cpu })}\n`, () =>
    process.exit(0),
  );
});
