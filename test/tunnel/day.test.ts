/** The memory of open tunnels during a day of virtual time. */
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { selectCrypto } from '../../src/crypto/select.js';
import { loadLibc } from '../../src/system/linux/libc.js';
import { UserspaceTunnel } from '../../src/tunnel/userspace-tunnel.js';
import { parseIpAddress } from '../../src/wire/ip-address.js';
import { silentLog } from '../support/fakes/silent-log.js';
import { seededRandom } from '../support/pairs/netstack-pair.js';
import { SERVICE, TunnelInMemory } from '../support/pairs/tunnel-in-memory.js';
import { atLength } from '../support/runner/tier.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const crypto = await selectCrypto(await loadLibc());

const HOUR = 3_600_000;
const HOURS = atLength({ short: 8, long: 24 });
const TUNNELS = atLength({ short: 2, long: 30 });
const STEP = 5_000;
const PORT = 80;

/** The hours after which all code is compiled and all tables have their final size. */
const WARM_UP = 3;

/**
 * The bytes by which all tunnels together may grow from then on. V8 compiles and frees code at
 * times that a test cannot choose, so the heap varies by about 1 MiB.
 */
const HEAP_LIMIT = 2 * 1024 * 1024;
const BUFFER_LIMIT = 64 * 1024;

class Day {
  readonly tunnels: UserspaceTunnel[] = [];
  /** The handshakes that the tunnels have begun. */
  handshakes = 0;
  exchanges = 0;
  readonly #kept: Uint8Array[] = [];
  readonly #world = new TunnelInMemory(crypto);
  readonly #random: () => number;
  readonly #keptBytes: number;

  /** @param keptBytes the bytes to keep for each handshake, to prove that growth is reported */
  constructor(seed: number, keptBytes = 0) {
    this.#random = seededRandom(seed);
    this.#keptBytes = keptBytes;
  }

  get timers(): number {
    return this.#world.clock.armed;
  }

  async open(count: number): Promise<void> {
    const world = this.#world;
    const network = await world.openNetwork();
    network.listenTcp({ address: parseIpAddress(SERVICE)!, port: PORT }, (stream) => {
      stream.on('error', () => undefined).pipe(stream);
    });
    const observer = {
      ephemeralKey: () => {
        this.handshakes++;
        if (this.#keptBytes > 0) this.#kept.push(new Uint8Array(this.#keptBytes));
      },
    };
    for (let index = 0; index < count; index++) {
      const privateKey = new Uint8Array(32).fill(index + 11);
      const address = `10.0.1.${index + 1}`;
      network.addPeer({
        publicKey: crypto.publicKey(privateKey),
        address: parseIpAddress(address)!,
      });
      const config = world.config({ privateKey, address, keepaliveSeconds: 60 });
      const ports = { ...world.ports, log: silentLog, observer };
      this.tunnels.push(await UserspaceTunnel.open(config, ports));
    }
    await this.#pass(STEP);
  }

  /** An hour with one echo through each tunnel; in some hours, the network also fails. */
  async hour(): Promise<void> {
    const cutAt = this.#random() * 3 * HOUR;
    for (let passed = 0; passed < HOUR; passed += STEP) {
      const isCut = passed >= cutAt && passed < cutAt + 400_000 && passed < HOUR - 600_000;
      this.#world.link.connected = !isCut;
      await this.#pass(STEP);
    }
    for (const tunnel of this.tunnels) await this.#exchange(tunnel);
    // Let TIME-WAIT end.
    for (let passed = 0; passed < 300_000; passed += STEP) await this.#pass(STEP);
    this.#world.link.sent.length = 0;
  }

  async #exchange(tunnel: UserspaceTunnel): Promise<void> {
    const socket = tunnel.connect({ host: SERVICE, port: PORT });
    const bytes = Buffer.alloc(1 + this.#random() * 50_000, 'arctun');
    socket.end(bytes);
    const echoed: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => echoed.push(chunk));
    const closed = { isClosed: false };
    void once(socket, 'close').then(() => (closed.isClosed = true));
    while (!closed.isClosed) {
      await this.#pass(20);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(Buffer.concat(echoed).equals(bytes)).toBe(true);
    this.exchanges++;
  }

  async close(): Promise<void> {
    const closing = this.tunnels.map((tunnel) => tunnel.close({ gracePeriod: 0 }));
    await this.#pass(STEP);
    await Promise.all(closing);
    await this.#world.network.close();
  }

  async #pass(duration: number): Promise<void> {
    this.#world.clock.advance(duration);
    for (let turn = 0; turn < 4; turn++) {
      await Promise.resolve();
      this.#world.clock.settle();
    }
  }
}

interface Used {
  readonly heap: number;
  readonly buffers: number;
}

/** @param collections V8 frees unused code only after several; buffers need one */
async function used(collections: number): Promise<Used> {
  for (let round = 0; round < collections; round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, buffers: arrayBuffers };
}

/** How long a day may take on a busy machine, in milliseconds; an idle one takes a few seconds. */
const LONGEST_RUN = 240_000;

/** Returns by how many bytes memory grows between the warm-up and the end of the day. */
async function growthFor(day: Day, hours: number, collections: number): Promise<Used> {
  await day.open(TUNNELS);
  for (let hour = 0; hour < WARM_UP; hour++) await day.hour();
  const before = await used(collections);
  for (let hour = WARM_UP; hour < hours; hour++) await day.hour();
  const after = await used(collections);
  return { heap: after.heap - before.heap, buffers: after.buffers - before.buffers };
}

it.each(atLength({ short: [1], long: [1, 2] }))(
  'stays flat over the hours of a day, with seed %i',
  async (seed) => {
    const day = new Day(seed);
    const growth = await growthFor(day, HOURS, 6);
    expect(day.exchanges).toBe(TUNNELS * HOURS);
    // A rekey every two minutes, because each keepalive is sent under a session.
    expect(day.handshakes).toBeGreaterThan(TUNNELS * HOURS * 25);
    // One timer for each tunnel, and one for the server.
    expect(day.timers).toBeLessThanOrEqual(TUNNELS + 1);
    expect(growth.buffers).toBeLessThan(BUFFER_LIMIT);
    expect(growth.heap).toBeLessThan(HEAP_LIMIT);
    await day.close();
  },
  LONGEST_RUN,
);

it(
  'reports 1 KiB that is kept for each handshake as growth',
  async () => {
    const day = new Day(1, 1_024);
    const { buffers } = await growthFor(day, WARM_UP + 2, 1);
    expect(buffers).toBeGreaterThan(BUFFER_LIMIT);
    await day.close();
  },
  LONGEST_RUN,
);
