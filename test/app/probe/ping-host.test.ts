import {
  pingHost,
  type PingHostOptions,
  type PingReply,
  withHosts,
} from '../../../src/app/probe/ping-host.js';
import { DialError } from '../../../src/proxy/dialer.js';
import type {
  EchoChannel,
  EchoDialer,
  EchoErrorEvent,
  EchoEvent,
} from '../../../src/proxy/echo-dialer.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';

/** The events that a request causes, each with its delay in ms. */
type Host = (sequence: number, payload: Uint8Array) => readonly [number, Partial<EchoEvent>][];

let clock: FakeClock;
let host: Host;
/** The times of the requests since the start, in ms. */
let sent: number[];
let start: number;
let replies: PingReply[];
let errors: EchoErrorEvent[];
let isOpen: boolean;
let controller: AbortController;
/** When the signal aborts, in ms since the start. */
let abortAt: number;

const answer =
  (delay: number): Host =>
  (sequence, payload) => [[delay, { kind: 'reply', sequence, payload, ttl: 60 }]];

beforeEach(() => {
  clock = new FakeClock();
  start = clock.now();
  sent = [];
  replies = [];
  errors = [];
  isOpen = false;
  host = answer(5);
  controller = new AbortController();
  abortAt = Infinity;
});
afterEach(() => expect(isOpen).toBe(false));

/** Waiting advances the clock to the next event, or by the timeout. */
class Channel implements EchoChannel {
  readonly address = '192.0.2.1';
  readonly maxPayload = 1392;
  readonly #events: EchoEvent[] = [];

  send(sequence: number, payload: Uint8Array): number {
    const now = clock.now();
    sent.push(now - start);
    for (const [delay, event] of host(sequence, payload)) {
      this.#events.push({ at: now + delay, ...event } as EchoEvent);
    }
    this.#events.sort((one, other) => one.at - other.at);
    return now;
  }

  receive(timeout: number): Promise<EchoEvent | undefined> {
    if (timeout <= 0) throw new RangeError(`timeout: ${timeout}`);
    const [next] = this.#events;
    const until = Math.min(clock.now() + timeout, next?.at ?? Infinity, start + abortAt);
    clock.advance(Math.max(0, until - clock.now()));
    if (clock.now() - start >= abortAt) {
      controller.abort(new Error('stopped'));
      return Promise.reject(new Error('stopped'));
    }
    return Promise.resolve(
      next !== undefined && next.at <= until ? this.#events.shift() : undefined,
    );
  }

  close(): void {
    isOpen = false;
  }
}

const dialer: EchoDialer = {
  open: () => {
    isOpen = true;
    return Promise.resolve(new Channel());
  },
};

function run(options: Partial<PingHostOptions> = {}) {
  const defaults = { host: 'a.test', count: 3, interval: 1_000, timeout: 10_000, size: 56 };
  return pingHost(
    { ...defaults, signal: controller.signal, ...options },
    { echoDialer: dialer },
    clock,
    {
      onStart: () => undefined,
      onReply: (reply) => replies.push(reply),
      onError: (error) => errors.push(error),
    },
  );
}

it('sends a request each interval, and ends with the last reply', async () => {
  expect(await run()).toEqual({
    ...{ host: 'a.test', address: '192.0.2.1', size: 56 },
    ...{ sent: 3, received: 3, duplicates: 0, errors: 0, duration: 2_005 },
    rtt: { min: 5, average: 5, max: 5, deviation: 0 },
  });
  expect(sent).toEqual([0, 1_000, 2_000]);
  expect(replies[0]).toEqual({
    ...{ address: '192.0.2.1', sequence: 1, bytes: 64, ttl: 60, rtt: 5, isDuplicate: false },
  });
});

it('computes the statistics of the round-trip times', async () => {
  host = (sequence, payload) => answer(sequence === 1 ? 10 : 20)(sequence, payload);
  const { rtt } = await run({ count: 2 });
  expect(rtt).toEqual({ min: 10, average: 15, max: 20, deviation: 5 });
});

it('waits for the timeout after the last request if the host never answers', async () => {
  host = () => [];
  expect(await run()).toMatchObject({ sent: 3, received: 0, duration: 12_000, rtt: undefined });
});

it('waits for two round trips, at least one interval, if the host has answered', async () => {
  host = (sequence, payload) => (sequence === 3 ? [] : answer(300)(sequence, payload));
  expect(await run()).toMatchObject({ received: 2, duration: 3_000 });
  start = clock.now();
  host = (sequence, payload) => (sequence === 3 ? [] : answer(900)(sequence, payload));
  expect(await run()).toMatchObject({ received: 2, duration: 3_800 });
});

it('counts replies that arrive again as duplicates', async () => {
  host = (sequence, payload) => [...answer(5)(sequence, payload), ...answer(9)(sequence, payload)];
  expect(await run({ count: 2 })).toMatchObject({ sent: 2, received: 2, duplicates: 1 });
  expect(replies.map(({ isDuplicate }) => isDuplicate)).toEqual([false, true, false]);
});

it('counts ICMP errors, which also end the wait', async () => {
  const text = 'Destination Host Unreachable';
  host = (sequence) => [[7, { kind: 'error', sequence, from: '192.0.2.9', text }]];
  expect(await run()).toMatchObject({ sent: 3, received: 0, errors: 3, duration: 2_007 });
  expect(errors[0]).toMatchObject({ sequence: 1, from: '192.0.2.9', text });
});

it('ignores replies to requests that it did not send, and replies with other data', async () => {
  host = (sequence, payload) => [
    [1, { kind: 'reply', sequence: 99, payload, ttl: 1 }],
    [2, { kind: 'reply', sequence, payload: payload.map((octet) => octet + 1), ttl: 1 }],
    [3, { kind: 'reply', sequence, payload: payload.slice(1), ttl: 1 }],
  ];
  expect(await run({ count: 1 })).toMatchObject({ received: 0, duplicates: 0 });
  expect(replies).toEqual([]);
});

it('returns the summary after an abort', async () => {
  abortAt = 2_500;
  expect(await run({ count: Infinity })).toMatchObject({ sent: 3, received: 3, duration: 2_500 });
});

it('continues after 65535 requests, and recognizes only the latest 1024', async () => {
  host = (sequence, payload) =>
    sequence === 1 ? answer(2_000)(1, payload) : answer(1)(sequence, payload);
  const found = await run({ count: 65_540, interval: 1 });
  // The reply to request 1 came after 2,000 further requests. Request 65537 is number 1 again.
  expect(found).toMatchObject({ sent: 65_540, received: 65_538 });
  expect(replies.some(({ sequence }) => sequence === 0)).toBe(true);
});

it('refuses a size that does not fit into a packet', async () => {
  await expect(run({ size: 1393 })).rejects.toMatchObject({
    kind: 'usage',
    what: 'cannot use --size=1393',
  });
  await expect(run({ size: 1392 })).resolves.toMatchObject({ received: 3 });
});

it('converts the error of the dialer, and keeps the reason', async () => {
  const failing: EchoDialer = {
    open: () => Promise.reject(new DialError('no-route', '192.0.2.1 is outside the allowed IPs')),
  };
  const quiet = { onStart: () => 0, onReply: () => 0, onError: () => 0 };
  const options = { host: 'x', count: 1, interval: 1, timeout: 1, size: 1 };
  await expect(pingHost(options, { echoDialer: failing }, clock, quiet)).rejects.toMatchObject({
    kind: 'tunnel',
    reason: 'not-connected',
    what: 'cannot ping x',
    why: '192.0.2.1 is outside the allowed IPs',
  });
});

const HOSTS = new Map([['camera.test', ['10.1.0.7', 'fd00::7']]]);

/** The hosts that the dialer was asked for. */
async function opened(host: string, family?: 4 | 6): Promise<readonly string[]> {
  const asked: string[] = [];
  const dialer = {
    open: (name: string) => {
      asked.push(name);
      return Promise.resolve({} as EchoChannel);
    },
  };
  await withHosts(dialer, HOSTS).open(host, { family });
  return asked;
}

it.each([
  ['camera.test', undefined, '10.1.0.7'],
  ['Camera.Test.', undefined, '10.1.0.7'],
  ['camera.test', 4, '10.1.0.7'],
  ['camera.test', 6, 'fd00::7'],
  ['other.test', 6, 'other.test'],
] as const)('pings %s with the family %s at %s', async (host, family, address) => {
  expect(await opened(host, family)).toEqual([address]);
});

it('fails if the name does not have an address of the family', async () => {
  const hosts = new Map([['camera.test', ['10.1.0.7']]]);
  const dialer = { open: () => Promise.reject(new Error('not used')) };
  await expect(withHosts(dialer, hosts).open('camera.test', { family: 6 })).rejects.toMatchObject({
    ...{ reason: 'no-such-name', message: 'camera.test does not have an IPv6 address' },
  });
});
