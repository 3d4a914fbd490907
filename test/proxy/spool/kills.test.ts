/** A process that is killed at every step, on a disk that loses what was not synced. */
import { drainSpool } from '../../../src/proxy/spool/drain-spool.js';
import { passMessage } from '../../../src/proxy/spool/pass-message.js';
import { parseEntryName, type SpoolEntry } from '../../../src/proxy/spool/spool-entry.js';
import type { SendOutcome } from '../../../src/proxy/spool/send-request.js';
import { Spool } from '../../../src/proxy/spool/spool.js';
import {
  formatMessage,
  parseMessage,
  type SpooledMessage,
} from '../../../src/proxy/spool/spooled-message.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';
import { silentLog } from '../../support/fakes/silent-log.js';
import { atLength } from '../../support/runner/tier.js';
import { Killed, LosingDisk } from './support/losing-disk.js';

const TARGET = { host: '100.127.69.42', port: 80 };
const MESSAGES = 12;
const RUNS = atLength({ short: 50, long: 2_000 });

const content = (number: number) =>
  formatMessage({ target: TARGET, request: Buffer.from(String(number)) });
const numberOf = (request: Uint8Array) => Number(Buffer.from(request).toString());

class World {
  readonly disk = new LosingDisk();
  readonly #entropy;
  /** How often the target has read each message. */
  readonly received = new Map<number, number>();
  /** The messages in the order in which the target has read them. */
  readonly order: number[] = [];
  /** The messages for which the client has a response or was accepted. */
  readonly accepted = new Set<number>();
  /** The messages that arrived although a power failure would have removed them. */
  readonly unsaved: number[] = [];
  /** The messages that are `unknown`, or were `sending` at the last kill. */
  #mayBeUnknown: ReadonlySet<number> = new Set();
  #clock = 1_795_989_600_000;
  #isUp = true;

  constructor(seed: number) {
    this.#entropy = seededEntropy(seed);
  }

  random(below: number): number {
    const bytes = new Uint8Array(2);
    this.#entropy.fill(bytes);
    return ((bytes[0]! << 8) | bytes[1]!) % below;
  }

  open(): Spool {
    const wallClock = { unixMilliseconds: () => (this.#clock += this.random(3) - 1) };
    const ports = { folder: this.disk, wallClock, entropy: this.#entropy };
    return new Spool(ports, { messages: 100, bytes: 100_000 });
  }

  async send(number: number): Promise<SendOutcome> {
    if (this.random(4) === 0) this.#isUp = !this.#isUp;
    if (!this.#isUp) return { kind: 'unsent', message: 'no handshake' };
    await this.#killable();
    this.received.set(number, (this.received.get(number) ?? 0) + 1);
    this.order.push(number);
    if (!this.#isSaved(number)) this.unsaved.push(number);
    await this.#killable();
    return { kind: 'answered', status: 201 };
  }

  /** The network is a step, too. */
  async #killable(): Promise<void> {
    await Promise.resolve();
    if (--this.disk.stepsLeft <= 0) throw new Killed('the process was killed');
  }

  bringUp(): void {
    this.#isUp = true;
  }

  /**
   * Only what was in flight at a kill may become unknown later.
   *
   * @param atOnce how many messages a process sends at the same time
   */
  async crash(atOnce: number): Promise<void> {
    if (this.random(2) === 0) this.disk.losePower(this.random(this.disk.pending + 1));
    this.disk.restart();
    const left = await this.left();
    const having = (state: string) => [...left.keys()].filter((each) => left.get(each) === state);
    const [unknown, sending] = [having('unknown killed'), having('sending')];
    expect(unknown.filter((number) => !this.#mayBeUnknown.has(number))).toEqual([]);
    expect(sending.length).toBeLessThanOrEqual(atOnce);
    this.#mayBeUnknown = new Set([...unknown, ...sending]);
  }

  /** Returns the messages on the disk, with their states. */
  async left(): Promise<ReadonlyMap<number, string>> {
    const spool = this.open();
    const left = new Map<number, string>();
    for (const entry of await spool.list()) {
      const message = parseMessage((await spool.read(entry))!);
      left.set(numberOf(message!.request), `${entry.state} ${entry.detail}`.trim());
    }
    return left;
  }

  check(left: ReadonlyMap<number, string>): void {
    for (const [number, times] of this.received)
      expect({ number, times }).toEqual({ number, times: 1 });
    expect(this.unsaved).toEqual([]);
    for (const [number, state] of left) {
      expect([number, state]).toEqual([number, 'unknown killed']);
    }
    expect([...left.keys()].sort()).toEqual([...this.#mayBeUnknown].sort());
    for (const number of this.accepted) {
      expect([number, this.received.has(number) || left.has(number)]).toEqual([number, true]);
    }
  }

  #isSaved(number: number): boolean {
    return this.disk.saved.some(({ name, bytes }) => {
      const message = parseMessage(bytes);
      const isThis = message !== undefined && numberOf(message.request) === number;
      return isThis && parseEntryName(name)?.state === 'sending';
    });
  }
}

/** One process: recovers, sends what waits, and takes new messages. */
async function work(world: World, next: { number: number }): Promise<void> {
  const spool = world.open();
  await spool.recover();
  while (next.number < MESSAGES) {
    const number = next.number++;
    const isWaiting = (await spool.list()).some(({ state }) => state === 'queued');
    if (isWaiting) {
      await spool.keep(content(number));
      world.accepted.add(number);
      await drain(world, spool);
    } else {
      await passMessage(spool, content(number), () => world.send(number));
      world.accepted.add(number);
    }
  }
  world.bringUp();
  for (;;) {
    const { waitsFor } = await drain(world, spool);
    if (waitsFor === undefined) return;
    world.bringUp();
  }
}

function drain(world: World, spool: Spool) {
  const send = (message: SpooledMessage) => world.send(numberOf(message.request));
  return drainSpool({ spool, log: silentLog, send });
}

/** A process like `up`: two clients, and a pump that sends what waits. */
async function serve(world: World, next: { number: number }): Promise<void> {
  const spool = world.open();
  await spool.recover();
  const client = async () => {
    while (next.number < MESSAGES) {
      const number = next.number++;
      const entry = await spool.accept(content(number));
      if (entry.state === 'sending') await pass(world, spool, entry, number);
      world.accepted.add(number);
    }
  };
  const clients = [client(), client()];
  let areDone = false;
  const pump = async () => {
    for (;;) {
      const { waitsFor } = await drain(world, spool);
      if (waitsFor === undefined && areDone) return;
      world.bringUp();
    }
  };
  const parts = [Promise.all(clients).then(() => (areDone = true)), pump()];
  // A kill ends all of them before the next process starts.
  await Promise.allSettled(parts);
  await Promise.all(parts);
}

async function pass(world: World, spool: Spool, entry: SpoolEntry, number: number): Promise<void> {
  const outcome = await world.send(number);
  if (outcome.kind === 'answered') await spool.finish(entry);
  else await spool.keepPassing(entry);
}

interface Life {
  readonly kills: readonly number[];
  readonly run?: typeof work;
  /** How many messages a process sends at the same time. */
  readonly atOnce?: number;
}

/** Runs with kills until all messages are taken; returns what remains on the disk. */
async function live(world: World, { kills, run = work, atOnce = 1 }: Life) {
  const next = { number: 0 };
  for (const steps of [...kills, Infinity]) {
    world.disk.stepsLeft = steps;
    try {
      await run(world, next);
      break;
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      await world.crash(atOnce);
    }
  }
  const left = await world.left();
  world.check(left);
  // The order of messages that are sent at the same time is not defined.
  if (atOnce === 1) {
    const sorted = [...world.order].sort((one, other) => one - other);
    expect(world.order).toEqual(sorted);
  }
  return left;
}

it('delivers each message once, or keeps it as unknown, after six kills at any steps', async () => {
  for (let seed = 0; seed < RUNS; seed++) {
    const world = new World(seed);
    const kills = Array.from({ length: 6 }, () => 1 + world.random(30));
    await live(world, { kills });
  }
});

it('does so for two clients of a forwarder and its pump', async () => {
  for (let seed = 0; seed < RUNS; seed++) {
    const world = new World(seed);
    const kills = Array.from({ length: 6 }, () => 1 + world.random(60));
    await live(world, { kills, run: serve, atOnce: 3 });
  }
});

it('survives a kill at each single step', async () => {
  let unknown = 0;
  for (let step = 1; step <= 120; step++) {
    const world = new World(1_000 + (step % 7));
    const left = await live(world, { kills: [step] });
    unknown += left.size;
  }
  expect(unknown).toBeGreaterThan(5);
});

it('delivers everything in order without a kill', async () => {
  const world = new World(42);
  const left = await live(world, { kills: [] });
  expect(left.size).toBe(0);
  expect(world.order).toEqual(Array.from({ length: MESSAGES }, (_, number) => number));
});
