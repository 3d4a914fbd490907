/**
 * Clients that send anything and end at any moment, against each listener, with real sockets: a
 * million bytes to each in `npm run test:release`. Meanwhile and afterwards, another client is served.
 *
 * The floods need 11,000 descriptors (`ulimit -n`), because both ends are in this process.
 */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { atLength } from '../../support/runner/tier.js';
import { until } from '../../support/until.js';
import { targets } from './answering-target.js';
import { type Attacked, LISTENERS } from './listeners.js';
import { type Below, latin1, mutated, oneOf, randomBelow } from './mutation.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const BYTES = atLength({ short: 5_000, long: 1_000_000 });
const FLOOD = atLength({ short: 100, long: 5_000 });
const REQUESTS = atLength({ short: 100, long: 2_000 });
/** The connections of a test beyond the limit. */
const SURPLUS = atLength({ short: 20, long: 200 });
/** An exchange is cut after every byte, or after one of so many bytes. */
const STEP = atLength({ short: 6, long: 1 });
/** The connections of a test that are open at the same time. */
const MOST_OPEN = 60;
/** Bytes by which the heap may grow: code, feedback of the compiler and pooled buffers. */
const GROWTH = 24 * 1024 * 1024;

let attacked: Attacked;
const sockets = new Set<Socket>();

function connected(): Socket {
  const socket = attacked.connect();
  sockets.add(socket);
  return socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
}

/** Resolves when another client has the answer to its question. */
async function ask(): Promise<void> {
  const socket = connected();
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => (received += text));
  socket.write(latin1(attacked.question));
  const isAnswered = () => received.includes(attacked.answer);
  await until(() => isAnswered() || socket.destroyed, { what: 'another client is served' });
  socket.destroy();
  if (!isAnswered()) throw new Error(`another client was not served: ${received}`);
}

async function usage(): Promise<{ bytes: number; descriptors: number }> {
  await until(() => sockets.size === 0, { what: 'all connections are closed' });
  await until(() => attacked.active() === 0 && targets.open === 0, { what: 'nothing is active' });
  for (let round = 0; round < 6; round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return { bytes: heapUsed + external, descriptors: readdirSync('/proc/self/fd').length };
}

/** Runs an attack between two measurements, after one that is not measured. */
async function withinBounds(attack: () => Promise<void>): Promise<void> {
  await ask();
  await attack();
  const before = await usage();
  await attack();
  await ask();
  const after = await usage();
  expect(after.bytes - before.bytes).toBeLessThan(GROWTH);
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 4);
}

describe.each(LISTENERS)('%s', (_name, most, open) => {
  beforeEach(async () => {
    attacked = await open();
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await attacked.close();
  });

  it(`survives ${BYTES} mutated bytes`, async () => {
    const below = randomBelow(1);
    const messages = attacked.messages.map(latin1);
    await ask();
    for (let sent = 0, count = 0; sent < BYTES; count++) {
      const bytes = mutated(oneOf(messages, below), below);
      sent += bytes.length;
      sendAndEnd(bytes, below);
      if (sockets.size >= MOST_OPEN) await closeMost();
      if (count % 250 === 0) await ask();
    }
    await closeMost();
    await ask();
    await usage();
  }, 600_000);

  it('survives a FIN and a RST at any byte of an exchange', async () => {
    for (const message of [...new Set([attacked.question, ...attacked.messages])]) {
      const bytes = latin1(message.slice(0, 200));
      for (let length = 0; length <= bytes.length; length += STEP) {
        for (const isReset of [false, true]) {
          const socket = connected();
          await once(socket, 'connect');
          socket.write(bytes.subarray(0, length));
          // Let the listener read the bytes before the end arrives.
          await new Promise((resolve) => setImmediate(resolve));
          if (isReset && isTcp(socket)) socket.resetAndDestroy();
          else socket.resume().end();
        }
        if (sockets.size >= MOST_OPEN / 2) await closeMost();
      }
    }
    await closeMost();
    await ask();
    await usage();
  }, 600_000);

  it(`serves others, and keeps ${most} of ${most + SURPLUS} connections that begin and wait`, async () => {
    const [first = ''] = attacked.question;
    await withinBounds(async () => {
      for (let count = 0; count < most + SURPLUS; count++) {
        const socket = connected();
        if (!attacked.keepsUsed) socket.write(latin1(first));
        // A socket reports its end only if it is read.
        await begun(socket.resume(), count);
      }
      await ask();
      const isOpen = ({ readableEnded }: Socket) => !readableEnded;
      const open = () => [...sockets].filter(isOpen).length;
      await until(() => open() <= most, { what: `at most ${most} connections are open` });
      for (const socket of sockets) socket.destroy();
    });
  }, 600_000);

  it(`survives ${FLOOD} connections at once`, async () => {
    await withinBounds(async () => {
      for (let count = 0; count < FLOOD; count++) {
        await begun(connected(), count);
      }
      await ask();
      for (const socket of sockets) socket.destroy();
    });
  }, 600_000);

  it('stores little for clients that ask and do not read', async () => {
    const requests = latin1(attacked.messages[0]!.repeat(REQUESTS));
    await withinBounds(async () => {
      for (let count = 0; count < 20; count++) connected().pause().write(requests);
      await new Promise((resolve) => setTimeout(resolve, 200));
      collect();
      expect(process.memoryUsage().arrayBuffers).toBeLessThan(200 * 1024 * 1024);
      await ask();
      for (const socket of sockets) socket.destroy();
    });
  }, 600_000);
});

/** Sends bytes in pieces, then ends, resets, or leaves the connection open. */
function sendAndEnd(bytes: Uint8Array, below: Below): void {
  const socket = connected();
  const cut = below(bytes.length + 1);
  socket.write(bytes.subarray(0, cut));
  const finish = () => {
    if (socket.destroyed) return;
    socket.write(bytes.subarray(cut));
    const choice = below(4);
    if (choice === 0 && isTcp(socket)) socket.resetAndDestroy();
    else if (choice === 1) socket.destroy();
    else if (choice === 2) socket.resume().end();
    else socket.pause();
  };
  if (below(2) === 0) finish();
  else socket.once('connect', () => setImmediate(finish));
}

/** A Unix socket cannot be reset. */
function isTcp(socket: Socket): boolean {
  return socket.remoteAddress !== undefined;
}

/** Waits for some connections, so that the queue of those to accept is never full. A full queue fails a connection to a path. */
async function begun(socket: Socket, count: number): Promise<void> {
  if (socket.connecting && (count % 40 === 39 || attacked.isLocal)) {
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  }
}

async function closeMost(): Promise<void> {
  await until(() => [...sockets].every((socket) => !socket.connecting));
  await new Promise((resolve) => setImmediate(resolve));
  for (const socket of sockets) socket.destroy();
  await until(() => sockets.size === 0);
}
