/** The pump of a spool, in virtual time. */
import type { SendOutcome } from '../../../src/proxy/spool/send-request.js';
import { Spool } from '../../../src/proxy/spool/spool.js';
import { SpoolPump } from '../../../src/proxy/spool/spool-pump.js';
import { formatMessage } from '../../../src/proxy/spool/spooled-message.js';
import { FileError } from '../../../src/ports/files.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';
import { until } from '../support/forwarding.js';
import { LosingDisk } from './support/losing-disk.js';

const TARGET = { host: '100.127.69.42', port: 80 };
const DOWN: SendOutcome = { kind: 'unsent', message: 'no handshake' };
const SENT: SendOutcome = { kind: 'answered', status: 201 };

let clock: FakeClock;
let disk: LosingDisk;
let spool: Spool;
let log: RecordingLog;
let pump: SpoolPump;
/** What each attempt to send a message returns. */
let outcome: SendOutcome;
/** The ports of the targets that fail. */
let dead: Set<number>;
/** The messages that were sent, and when. */
let attempts: { readonly text: string; readonly at: number }[];
/** Runs at each attempt. */
let onSend: () => Promise<void> | void;
beforeEach(() => {
  clock = new FakeClock();
  disk = new LosingDisk();
  log = new RecordingLog();
  outcome = SENT;
  dead = new Set();
  attempts = [];
  onSend = () => undefined;
  const wallClock = { unixMilliseconds: () => 1_795_989_600_000 };
  spool = new Spool(
    { folder: disk, wallClock, entropy: seededEntropy(1) },
    { messages: 100, bytes: 10_000 },
  );
  pump = new SpoolPump({
    ...{ spool, clock, entropy: seededEntropy(2), log },
    send: async ({ target: { port }, request }) => {
      attempts.push({ text: Buffer.from(request).toString(), at: clock.now() });
      await onSend();
      return dead.has(port) ? DOWN : outcome;
    },
  });
});
afterEach(() => pump.stop());

async function keep(text: string, target = TARGET): Promise<void> {
  const content = formatMessage({ target, request: Buffer.from(text) });
  pump.queued((await spool.keep(content)).target);
}

const texts = () => attempts.map(({ text }) => text);

/** Resolves when the pump waits. */
const idle = () => until(() => clock.armed === 1);

/** Advances the time until the next attempt. Returns how long that took, in milliseconds. */
async function nextAttempt(): Promise<number> {
  await idle();
  const [count, start] = [attempts.length, clock.now()];
  await until(() => attempts.length > count, { turn: () => turn(100) });
  return attempts[count]!.at - start;
}

async function turn(milliseconds: number): Promise<void> {
  clock.advance(milliseconds);
  for (let step = 0; step < 50; step++) await Promise.resolve();
}

it('sends what waits at the start, in order', async () => {
  await keep('a');
  await keep('b');
  pump.start();
  await idle();
  expect(texts()).toEqual(['a', 'b']);
  expect(await spool.list()).toEqual([]);
});

it('pauses for 1 to 60 s, twice as long after each failure, and partly at random', async () => {
  outcome = DOWN;
  await keep('a');
  pump.start();
  const pauses: number[] = [];
  for (let count = 0; count < 9; count++) pauses.push(await nextAttempt());
  for (const [index, pause] of pauses.entries()) {
    const longest = Math.min(2_000 * 2 ** index, 60_000);
    expect(pause).toBeGreaterThanOrEqual(longest / 2);
    expect(pause).toBeLessThanOrEqual(longest + 100);
  }
  const shares = pauses.map((pause, index) => pause / Math.min(2_000 * 2 ** index, 60_000));
  expect(Math.max(...shares) - Math.min(...shares)).toBeGreaterThan(0.2);
});

it('does not try more often because further messages are queued', async () => {
  outcome = DOWN;
  await keep('a');
  pump.start();
  await idle();
  for (let count = 0; count < 5; count++) await keep('b');
  await turn(0);
  expect(texts()).toEqual(['a']);
});

it('begins with a pause after a message could not be sent', async () => {
  pump.start();
  await idle();
  await keep('a');
  await turn(0);
  expect(texts()).toEqual([]);
  expect(await nextAttempt()).toBeLessThanOrEqual(2_100);
});

it('does not miss a message that is queued while the last one is sent', async () => {
  await keep('a');
  onSend = async () => {
    onSend = () => undefined;
    await keep('b');
  };
  pump.start();
  await idle();
  expect(texts()).toEqual(['a', 'b']);
});

it('does not miss a message that is queued after the last look at the folder', async () => {
  const list = disk.list.bind(disk);
  let isLate = true;
  disk.list = async () => {
    const names = await list();
    if (isLate && attempts.length === 1 && names.length === 0) {
      isLate = false;
      await keep('b');
    }
    return names;
  };
  await keep('a');
  pump.start();
  await until(() => !isLate);
  expect(await nextAttempt()).toBeLessThanOrEqual(2_100);
  expect(texts()).toEqual(['a', 'b']);
});

it('tries at once when the line is back, and pauses briefly after the next failure', async () => {
  outcome = DOWN;
  await keep('a');
  pump.start();
  for (let count = 0; count < 6; count++) await nextAttempt();
  await idle();
  const before = clock.now();
  pump.linkIsUp();
  await until(() => attempts.length === 8);
  expect(attempts.at(-1)!.at).toBe(before);
  expect(await nextAttempt()).toBeLessThanOrEqual(2_100);
});

it('begins with short pauses again after a success', async () => {
  outcome = DOWN;
  await keep('a');
  await keep('b');
  pump.start();
  for (let count = 0; count < 6; count++) await nextAttempt();
  outcome = SENT;
  onSend = () => {
    if (texts().at(-1) === 'b') outcome = DOWN;
  };
  await nextAttempt();
  await until(() => texts().at(-1) === 'b');
  expect(await nextAttempt()).toBeLessThanOrEqual(2_100);
});

it('finds a message that another command has queued', async () => {
  pump.start();
  await idle();
  await spool.keep(formatMessage({ target: TARGET, request: Buffer.from('a') }));
  expect(await nextAttempt()).toBeLessThanOrEqual(60_100);
});

it('tries again soon after the folder could not be read', async () => {
  await spool.keep(formatMessage({ target: TARGET, request: Buffer.from('a') }));
  const list = disk.list.bind(disk);
  disk.list = () => Promise.reject(new FileError('denied', '/spool', 'permission denied'));
  pump.start();
  await idle();
  expect(log.messages('warn')).toEqual(['cannot use the spool']);
  disk.list = list;
  expect(await nextAttempt()).toBeLessThanOrEqual(2_100);
  expect(texts()).toEqual(['a']);
});

describe('a target that fails', () => {
  const DEAD = { ...TARGET, port: 81 };
  beforeEach(() => dead.add(DEAD.port));

  it('does not delay the messages for others', async () => {
    await keep('dead', DEAD);
    await keep('a');
    pump.start();
    await idle();
    expect(texts()).toEqual(['dead', 'a']);
    for (let count = 0; count < 6; count++) await nextAttempt();
    await keep('b');
    await until(() => texts().at(-1) === 'b', { turn: () => turn(100) });
    expect(attempts.at(-1)!.at - attempts.at(-2)!.at).toBeLessThan(60_000);
    expect(await spool.list()).toHaveLength(1);
  });

  it('is not tried more often because further messages for it are queued', async () => {
    await keep('dead', DEAD);
    pump.start();
    for (let count = 0; count < 6; count++) await nextAttempt();
    await idle();
    const last = attempts.at(-1)!.at;
    await keep('more', DEAD);
    await nextAttempt();
    expect(attempts.at(-1)!.at - last).toBeGreaterThanOrEqual(30_000);
  });

  it('has its own pauses, which do not become longer or shorter because of others', async () => {
    await keep('dead', DEAD);
    pump.start();
    for (let count = 0; count < 6; count++) await nextAttempt();
    await idle();
    const last = attempts.at(-1)!.at;
    const start = clock.now();
    await keep('a');
    await until(() => texts().at(-1) === 'a', { turn: () => turn(100) });
    expect(clock.now() - start).toBeLessThanOrEqual(2_100);
    await until(() => texts().at(-1) === 'dead', { turn: () => turn(100) });
    expect(attempts.at(-1)!.at - last).toBeGreaterThanOrEqual(30_000);
  });
});

describe('stop', () => {
  it('waits for the message that is being sent, and begins no other', async () => {
    let answer: () => void = () => undefined;
    onSend = () => new Promise((resolve) => (answer = resolve));
    await keep('a');
    await keep('b');
    pump.start();
    await until(() => attempts.length === 1);
    let isStopped = false;
    const stopped = pump.stop().then(() => (isStopped = true));
    await turn(0);
    expect(isStopped).toBe(false);
    answer();
    await stopped;
    expect(texts()).toEqual(['a']);
    expect((await spool.list()).map(({ state }) => state)).toEqual(['queued']);
  });

  it('ends a pause', async () => {
    outcome = DOWN;
    await keep('a');
    pump.start();
    await idle();
    await pump.stop();
    expect(clock.armed).toBe(0);
    expect(texts()).toEqual(['a']);
  });
});
