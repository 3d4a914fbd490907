/**
 * Real processes with a spool that are killed at random moments: no message arrives twice, and none
 * is lost.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { SpoolState } from '../../../src/proxy/spool/spool-entry.js';
import { Spool } from '../../../src/proxy/spool/spool.js';
import {
  formatMessage,
  parseMessage,
  requestBytes,
  splitRequest,
} from '../../../src/proxy/spool/spooled-message.js';
import { systemWallClock } from '../../../src/system/clock.js';
import { systemEntropy } from '../../../src/system/entropy.js';
import { openSpoolFolder } from '../../../src/system/files/spool-folder.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';
import { ARCTUN, Processes, type TestProcess } from '../../support/processes.js';
import { atLength } from '../../support/runner/tier.js';
import { Receiver, SERVICE } from './receiver.js';

const KILLS = atLength({ short: 5, long: 100 });
const SEED = 1;

/** The longest time, in milliseconds, until a kill that does not wait for a message. */
const LONGEST = 400;

class World {
  readonly processes = new Processes();
  readonly folder = mkdtempSync(join(tmpdir(), 'arctun-kills-'));
  readonly receiver: Receiver;
  /** The messages that a client knows to be delivered or kept. */
  readonly accepted = new Set<string>();
  /** The messages that arrived although the spool did not contain them. */
  readonly unsaved: string[] = [];
  kills = 0;
  /** The messages that are `unknown`, or were `sending` when the last process ended. */
  #mayBeUnknown: ReadonlySet<string> = new Set();
  readonly #entropy = seededEntropy(SEED);
  #number = 0;

  constructor(receiver: Receiver) {
    this.receiver = receiver;
    const path = join(this.folder, 'arc.json');
    writeFileSync(path, receiver.arcJson);
    chmodSync(path, 0o600);
  }

  random(below: number): number {
    const bytes = new Uint8Array(2);
    this.#entropy.fill(bytes);
    return ((bytes[0]! << 8) | bytes[1]!) % below;
  }

  nextMessage(): string {
    return `message ${this.#number++}`;
  }

  start(...parameters: string[]): TestProcess {
    return this.processes.start([process.execPath, ARCTUN, ...parameters], { cwd: this.folder });
  }

  async spool(): Promise<Spool> {
    const folder = await openSpoolFolder(join(this.folder, 'spool'));
    const ports = { folder, wallClock: systemWallClock, entropy: systemEntropy };
    return new Spool(ports, { messages: Infinity, bytes: Infinity });
  }

  /** Queues up to three messages, as if the line had been down. */
  async queueSome(): Promise<void> {
    const spool = await this.spool();
    for (let count = this.random(4); count > 0; count--) {
      const text = this.nextMessage();
      const message = { method: 'POST', path: '/', headers: [], body: Buffer.from(text) };
      const request = requestBytes(message, SERVICE);
      await spool.keep(formatMessage({ target: SERVICE, request }));
      this.accepted.add(text);
    }
  }

  /** Kills the process at a random time, or when a random message has arrived. */
  killLater(victim: TestProcess): void {
    const kill = () => {
      if (victim.running) this.kills++;
      victim.kill('SIGKILL');
    };
    let left = 1 + this.random(4);
    const pause = this.random(3);
    if (this.random(3) === 0) setTimeout(kill, this.random(LONGEST));
    this.receiver.onMessage = async (text) => {
      if (!(await this.#isSaved(text))) this.unsaved.push(text);
      await sleep(pause);
      if (--left === 0) kill();
    };
  }

  /**
   * Call this after each process. Only what was in flight at its end may become unknown later.
   *
   * @param atOnce how many messages a process sends at the same time
   */
  async ended(atOnce: number): Promise<void> {
    const texts = await this.#texts();
    const having = (state: string) => [...texts.keys()].filter((text) => texts.get(text) === state);
    const [unknown, sending] = [having('unknown killed'), having('sending')];
    expect(unknown.filter((text) => !this.#mayBeUnknown.has(text))).toEqual([]);
    expect(sending.length).toBeLessThanOrEqual(atOnce);
    this.#mayBeUnknown = new Set([...unknown, ...sending]);
  }

  /** Sends all that waits, and checks what arrived and what remains. */
  async finish(): Promise<void> {
    this.receiver.onMessage = () => undefined;
    const { code, stderr } = await this.start('spool', 'send', '--spool', 'spool').finished;
    expect([code, stderr.includes('ERROR')]).toEqual([0, false]);
    const left = await this.#texts();
    const { received } = this.receiver;
    const twice = received.filter((text, index) => received.indexOf(text) !== index);
    expect(twice).toEqual([]);
    expect(this.unsaved).toEqual([]);
    expect([...left].filter(([, state]) => state !== 'unknown killed')).toEqual([]);
    expect([...left.keys()].sort()).toEqual([...this.#mayBeUnknown].sort());
    const arrived = new Set(received);
    const lost = [...this.accepted].filter((text) => !arrived.has(text) && !left.has(text));
    expect(lost).toEqual([]);
  }

  /** While the target has not responded, the message must be on the disk. */
  async #isSaved(text: string): Promise<boolean> {
    // Hundreds of others may be queued or unknown, and reading them would delay the response. If the
    // process was killed, the next one may rename the file between two steps.
    for (const state of ['sending', 'unknown', 'unknown'] as const) {
      if ((await this.#texts([state])).has(text)) return true;
    }
    return false;
  }

  /** Returns the texts of the messages in the spool, with their states. */
  async #texts(states?: readonly SpoolState[]): Promise<ReadonlyMap<string, string>> {
    const spool = await this.spool();
    const texts = new Map<string, string>();
    for (const entry of await spool.list()) {
      if (states?.includes(entry.state) === false) continue;
      const content = await spool.read(entry);
      // Another process has changed its state.
      if (content === undefined) continue;
      const text = Buffer.from(splitRequest(parseMessage(content)!.request).body).toString();
      texts.set(text, `${entry.state} ${entry.detail}`.trim());
    }
    return texts;
  }

  async close(): Promise<void> {
    await this.processes.close();
    await this.receiver.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

let world: World;
beforeEach(async () => {
  const receiver = await Receiver.open();
  receiver.addClient();
  world = new World(receiver);
});
afterEach(() => world.close());

it(`send: delivers each message once, or keeps it, after ${KILLS} kills`, async () => {
  while (world.kills < KILLS) {
    await world.queueSome();
    const text = world.nextMessage();
    const sending = world.start('send', '--spool', 'spool', text);
    world.killLater(sending);
    const { code, stderr } = await sending.finished;
    if (code !== null) {
      expect([code, stderr]).toEqual([0, stderr]);
      world.accepted.add(text);
    }
    // It was sending its own message, or one that waited.
    await world.ended(1);
  }
  await world.finish();
}, 900_000);

it(`up: delivers each message once, or keeps it, after ${KILLS} kills`, async () => {
  while (world.kills < KILLS) {
    await world.queueSome();
    const listen = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', 'off'];
    const up = world.start('up', '--spool', 'spool', ...listen, '--log-level', 'info');
    const [, url = ''] = await up.output(/forwarder listening url=(\S+)/, 'stderr');
    world.killLater(up);
    await Promise.all([post(up, url), post(up, url)]);
    await up.finished;
    // It was sending one message of each client, and one that waited.
    await world.ended(3);
  }
  await world.finish();
}, 900_000);

/** Posts one message after the other, until the process is killed. */
async function post(up: TestProcess, url: string): Promise<void> {
  while (up.running) {
    const text = world.nextMessage();
    const status = await statusOf(url, text);
    if (status === undefined) return;
    expect([201, 202]).toContain(status);
    world.accepted.add(text);
  }
}

/** @returns undefined without a response */
async function statusOf(url: string, body: string): Promise<number | undefined> {
  try {
    return (await fetch(url, { method: 'POST', body })).status;
  } catch {
    return undefined;
  }
}
