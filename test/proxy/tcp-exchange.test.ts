import { Duplex } from 'node:stream';

import { jest } from '@jest/globals';

import { DialError } from '../../src/proxy/dialer.js';
import { exchangeTcp, type ConfirmingDialer } from '../../src/proxy/tcp-exchange.js';
import { abortListeners } from '../support/abort-listeners.js';

const TARGET = { host: '100.127.69.42', port: 23080 };
const LIMITS = { timeout: 5_000, maxAnswerBytes: 1_000 };

/** A stream whose other side is the test. */
class FakeStream extends Duplex {
  written = '';
  sawEnd = false;
  unacknowledgedBytes = 0;
  /** Data counts as acknowledged as soon as it is read. */
  acknowledges = true;

  constructor() {
    super({ allowHalfOpen: true });
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written += chunk.toString();
    if (!this.acknowledges) this.unacknowledgedBytes += chunk.length;
    done();
  }

  override _final(done: () => void): void {
    this.sawEnd = true;
    done();
  }
}

let stream: FakeStream;
/** The options of every exchange. */
let stop: AbortController;
let outcome: { answer?: string | undefined; error?: unknown } | undefined;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  stream = new FakeStream();
  stop = new AbortController();
  outcome = undefined;
});
afterEach(() => {
  // Whatever the outcome, nothing is left running.
  expect(jest.getTimerCount()).toBe(0);
  expect(stream.destroyed).toBe(true);
  expect(abortListeners(stop)).toBe(0);
  jest.useRealTimers();
});

const settle = () => new Promise((resolve) => setImmediate(resolve));

async function advance(duration: number): Promise<void> {
  await settle();
  jest.advanceTimersByTime(duration);
  await settle();
}

async function start(message = 'hello', signal = stop.signal): Promise<void> {
  const dialer: ConfirmingDialer = { dial: () => Promise.resolve(stream) };
  const limits = { ...LIMITS, signal };
  void exchangeTcp(dialer, TARGET, Buffer.from(message), limits).then(
    (answer) => (outcome = { answer: answer && Buffer.from(answer).toString() }),
    (error: unknown) => (outcome = { error }),
  );
  await settle();
}

it('sends the message, reads the answer, and ends when no more of it arrives', async () => {
  await start();
  expect(stream.written).toBe('hello');
  stream.push('201 ');
  await advance(900);
  stream.push('created');
  await advance(999);
  expect(stream.sawEnd).toBe(false);
  await advance(1);
  expect(stream.sawEnd).toBe(true);
  expect(outcome).toBeUndefined();
  stream.push(null);
  await settle();
  expect(outcome).toEqual({ answer: '201 created' });
});

it('finishes a second after its end if the other side stays', async () => {
  await start();
  stream.push('201 ');
  await advance(1_000);
  await advance(999);
  expect(outcome).toBeUndefined();
  await advance(1);
  expect(outcome).toEqual({ answer: '201 ' });
});

it('finishes at once when the other side ends', async () => {
  await start();
  stream.push('201 ');
  stream.push(null);
  await settle();
  expect(outcome).toEqual({ answer: '201 ' });
});

it('treats an end without an answer as no answer', async () => {
  await start();
  stream.push(null);
  await settle();
  expect(outcome).toEqual({ answer: undefined });
});

it('waits for its timeout, and then a second for an answer to its end', async () => {
  await start();
  await advance(4_999);
  expect(stream.sawEnd).toBe(false);
  await advance(1);
  expect(stream.sawEnd).toBe(true);
  stream.push('at the end');
  await advance(1_000);
  expect(outcome).toEqual({ answer: 'at the end' });
});

it('returns no answer if none arrives', async () => {
  await start();
  await advance(5_000);
  await advance(1_000);
  expect(outcome).toEqual({ answer: undefined });
});

it('fails when the message is not acknowledged in time', async () => {
  stream.acknowledges = false;
  await start();
  await advance(5_000);
  expect(outcome).toEqual({ error: new Error('the message was not acknowledged in time') });
});

it('fails when the other side ends without the message', async () => {
  stream.acknowledges = false;
  await start();
  stream.push(null);
  await advance(999);
  expect(outcome).toBeUndefined();
  await advance(1);
  expect(String(outcome?.error)).toContain('without accepting the message');
});

it('treats an answer as an acknowledgement', async () => {
  stream.acknowledges = false;
  await start();
  stream.push('201 ');
  await advance(1_000);
  stream.push(null);
  await settle();
  expect(outcome).toEqual({ answer: '201 ' });
});

it('succeeds if the acknowledgement arrives after the end', async () => {
  stream.acknowledges = false;
  await start();
  stream.push(null);
  await settle();
  stream.unacknowledgedBytes = 0;
  await advance(1_000);
  expect(outcome).toEqual({ answer: undefined });
});

it('fails when the connection breaks in the middle of an answer', async () => {
  await start();
  stream.push('20');
  await settle();
  stream.destroy(new Error('reset'));
  await settle();
  expect(outcome).toEqual({ error: new Error('reset') });
});

it('keeps an answer that was complete before its end was answered by a reset', async () => {
  await start();
  stream.push('201 ');
  await advance(1_000);
  stream.destroy(new Error('reset'));
  await settle();
  expect(outcome).toEqual({ answer: '201 ' });
});

it('fails when its end without an answer is answered by a reset', async () => {
  await start();
  await advance(5_000);
  stream.destroy(new Error('reset'));
  await settle();
  expect(outcome).toEqual({ error: new Error('reset') });
});

it('refuses an answer that is too large', async () => {
  await start();
  stream.push('x'.repeat(1_000));
  await settle();
  expect(outcome).toBeUndefined();
  stream.push('x');
  await settle();
  expect(outcome).toEqual({ error: new Error('the response is larger than 1000 bytes') });
});

it('refuses an answer that does not end', async () => {
  await start();
  for (let second = 0; second < 67 && outcome === undefined; second++) {
    stream.push('x');
    await advance(900);
  }
  expect(outcome).toEqual({ error: new Error('the response was not complete in time') });
});

it('rejects with the reason of an abort', async () => {
  const controller = new AbortController();
  await start('hello', controller.signal);
  controller.abort(new Error('stopped'));
  await settle();
  expect(outcome).toEqual({ error: new Error('stopped') });
});

it('sends nothing on a connection that opens after the abort', async () => {
  await start('hello', AbortSignal.abort(new Error('stopped')));
  expect(outcome).toEqual({ error: new Error('stopped') });
  expect(stream.written).toBe('');
});

it('reports why it has no connection', async () => {
  stream.destroy();
  const error = new DialError('refused', 'no');
  const dialer: ConfirmingDialer = { dial: () => Promise.reject(error) };
  await expect(exchangeTcp(dialer, TARGET, Buffer.from('x'), LIMITS)).rejects.toBe(error);
});

it('fails at once if the connection was reset before a listener was added', async () => {
  const reset = new Error('the connection was reset');
  stream.on('error', () => undefined).destroy(reset);
  await new Promise((resolve) => setImmediate(resolve));
  const dialer: ConfirmingDialer = { dial: () => Promise.resolve(stream) };
  await expect(exchangeTcp(dialer, TARGET, Buffer.from('x'), LIMITS)).rejects.toBe(reset);
  expect(stream.written).toBe('');
});
