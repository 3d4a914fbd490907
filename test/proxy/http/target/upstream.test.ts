import { jest } from '@jest/globals';
import { Duplex } from 'node:stream';

import { Upstream, type UpstreamHandler } from '../../../../src/proxy/http/target/upstream.js';
import { KeepableSide } from '../../support/keepable.js';

class Recorder implements UpstreamHandler {
  readonly events: string[] = [];
  interim(): void {
    this.events.push('interim');
  }
  head(): void {
    this.events.push('head');
  }
  body(bytes: Buffer): void {
    this.events.push(`body ${bytes.toString()}`);
  }
  end(): void {
    this.events.push('end');
  }
  malformed(): void {
    this.events.push('malformed');
  }
  lost(error: Error | undefined, isUnread: boolean): void {
    this.events.push(`lost ${error?.message ?? 'by FIN'}${isUnread ? ', unread' : ''}`);
  }
  drain(): void {
    this.events.push('drain');
  }
}

const GET = { isHead: false, upgrades: false };
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n';

function begin<S extends Duplex = KeepableSide>(stream?: S) {
  const side = stream ?? new KeepableSide();
  const upstream = new Upstream(side);
  const handler = new Recorder();
  upstream.begin(handler, GET);
  return { upstream, handler, side: side as S };
}

function turn(): Promise<void> {
  return new Promise(setImmediate);
}

afterEach(() => void jest.useRealTimers());

it('passes a response on', async () => {
  const { handler, side } = begin();
  side.respond(HEAD);
  side.respond('ab');
  await turn();
  expect(handler.events).toEqual(['head', 'body ab', 'end']);
});

it('reports malformed bytes once', async () => {
  const { handler, upstream, side } = begin();
  handler.malformed = () => {
    handler.events.push('malformed');
    upstream.destroy();
  };
  side.respond('x');
  side.respond('y');
  await turn();
  expect(handler.events).toEqual(['malformed']);
});

it.each<[string, (side: KeepableSide) => void, string[]]>([
  ['a FIN', (side) => void side.push(null), ['lost by FIN']],
  ['a reset', (side) => void side.destroy(new Error('reset')), ['lost reset']],
  ['a silent end', (side) => void side.destroy(), ['lost by FIN']],
  ['a reset that proves it unread', (side) => side.resetUnread(), ['lost ECONNRESET, unread']],
])('reports a request that is lost by %s', async (_, end, events) => {
  const { handler, side } = begin();
  end(side);
  await turn();
  await turn();
  expect(handler.events).toEqual(events);
});

it('reports a stream that was destroyed earlier', async () => {
  const side = new KeepableSide();
  side.destroy();
  await turn();
  const { handler } = begin(side);
  await turn();
  expect(handler.events).toEqual(['lost by FIN']);
});

it('takes no reset as a proof after the first byte of a response', async () => {
  const { handler, side } = begin();
  side.respond('H');
  await turn();
  side.resetUnread();
  await turn();
  expect(handler.events).toEqual(['lost ECONNRESET']);
});

describe('bytes that arrive before the target has acknowledged a request in one segment', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  });

  async function stray() {
    const { upstream, handler, side } = begin();
    side.isUnacknowledged = true;
    upstream.expectAnswer();
    side.respond('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n');
    await turn();
    return { upstream, handler, side };
  }

  it('are no response, and leave time for a proof', async () => {
    const { handler, side } = await stray();
    side.push(null);
    await turn();
    jest.advanceTimersByTime(100);
    expect(handler.events).toEqual([]);
    side.resetUnread();
    await turn();
    expect(handler.events).toEqual(['lost ECONNRESET, unread']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('fail the request when it is acknowledged after all', async () => {
    const { handler, side } = await stray();
    side.isUnacknowledged = false;
    side.respond(`${HEAD}ab`);
    await turn();
    jest.advanceTimersByTime(50);
    expect(handler.events).toEqual(['lost the target sent bytes before it received the request']);
  });

  it('fail the request after three seconds', async () => {
    const { handler } = await stray();
    jest.advanceTimersByTime(2_999);
    expect(handler.events).toEqual([]);
    jest.advanceTimersByTime(51);
    expect(handler.events).toHaveLength(1);
  });

  it('are a response if the request needs several segments', async () => {
    const { handler, side } = begin();
    side.isUnacknowledged = true;
    side.respond(`${HEAD}ab`);
    await turn();
    expect(handler.events).toEqual(['head', 'body ab', 'end']);
  });

  it('are refused once for each request', async () => {
    const { upstream, handler, side } = begin();
    upstream.expectAnswer();
    side.respond(`${HEAD}ab`);
    await turn();
    upstream.begin(handler, GET);
    side.isUnacknowledged = true;
    side.respond(`${HEAD}cd`);
    await turn();
    expect(handler.events).toEqual(['head', 'body ab', 'end', 'head', 'body cd', 'end']);
  });
});

it('waits three seconds after a FIN for a proof', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  const { handler, side } = begin();
  side.isUnacknowledged = true;
  side.push(null);
  await turn();
  jest.advanceTimersByTime(2_999);
  expect(handler.events).toEqual([]);
  jest.advanceTimersByTime(51);
  expect(handler.events).toEqual(['lost by FIN']);
});

it('looks for the proof once more after a freeze, when the socket has been read', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  const { handler, side } = begin();
  side.isUnacknowledged = true;
  side.push(null);
  await turn();
  const now = performance.now();
  const spy = jest.spyOn(performance, 'now').mockReturnValue(now + 60_000);
  // The timer runs before the socket is read.
  jest.advanceTimersByTime(50);
  side.provesUnread = true;
  jest.advanceTimersByTime(50);
  spy.mockRestore();
  expect(handler.events).toEqual(['lost by FIN, unread']);
});

it('waits no longer than for the proof, so that TCP does not send the request again', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  const { handler, side } = begin();
  side.isUnacknowledged = true;
  side.push(null);
  await turn();
  jest.advanceTimersByTime(100);
  expect(handler.events).toEqual([]);
  side.provesUnread = true;
  jest.advanceTimersByTime(50);
  expect(handler.events).toEqual(['lost by FIN, unread']);
});

it('waits for no proof from a stream that has none', async () => {
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  const { handler, upstream } = begin(stream);
  expect(upstream.segmentSize).toBe(0);
  expect(upstream.isQuiet).toBe(false);
  stream.push(null);
  await turn();
  expect(handler.events).toEqual(['lost by FIN']);
});

it('completes a response without a length at the FIN', async () => {
  const { handler, side } = begin();
  side.respond('HTTP/1.1 200 OK\r\n\r\nab');
  side.push(null);
  await turn();
  expect(handler.events).toEqual(['head', 'body ab', 'end']);
});

it('is not quiet with excess bytes, after a FIN, or while it writes', async () => {
  const { upstream, handler, side } = begin();
  side.respond(`${HEAD}abc`);
  await turn();
  expect(handler.events.at(-1)).toBe('end');
  expect(upstream.isQuiet).toBe(false);
  upstream.begin(handler, GET);
  expect(upstream.isQuiet).toBe(true);
  side.cork();
  side.write('x');
  expect(upstream.isQuiet).toBe(false);
  side.uncork();
  await turn();
  side.push(null);
  await turn();
  expect(upstream.isQuiet).toBe(false);
});

it('is not quiet with bytes that the stream holds back', async () => {
  const { upstream, side } = begin();
  side.respond(`${HEAD}ab`);
  await turn();
  upstream.idle(() => undefined);
  side.pause();
  expect(upstream.isQuiet).toBe(true);
  side.respond('x');
  expect(upstream.isQuiet).toBe(false);
});

it('closes a connection that was paused, and leaves no timer', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  const { upstream, side } = begin();
  side.pause();
  upstream.close();
  side.respond('x');
  side.push(null);
  await turn();
  expect(side.destroyed).toBe(true);
  expect(jest.getTimerCount()).toBe(0);
});

it('tells once that an idle connection has ended', async () => {
  const { upstream, side } = begin();
  side.respond(`${HEAD}ab`);
  await turn();
  const onEnd = jest.fn();
  upstream.idle(onEnd);
  side.respond('x');
  side.push(null);
  side.destroy();
  await turn();
  expect(onEnd).toHaveBeenCalledTimes(1);
});

it('hands the stream over with the bytes after a 101', async () => {
  const side = new KeepableSide();
  const upstream = new Upstream(side);
  const handler = new Recorder();
  const released = new Promise<Duplex>((resolve) => {
    handler.head = () => resolve(upstream.release());
  });
  upstream.begin(handler, { isHead: false, upgrades: true });
  side.respond('HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\nab');
  const stream = await released;
  expect(stream).toBe(side);
  expect(
    ['error', 'data', 'end', 'close', 'drain'].map((name) => stream.listenerCount(name)),
  ).toEqual([0, 0, 0, 0, 0]);
  side.respond('cd');
  const read = new Promise((resolve) => {
    let text = '';
    stream.resume().on('data', (bytes: Buffer) => {
      text += bytes.toString();
      if (text.length === 4) resolve(text);
    });
  });
  expect(await read).toBe('abcd');
  expect(handler.events).toEqual([]);
});

it('resets a connection that its other side does not close', () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  const { upstream, side } = begin();
  upstream.close();
  jest.advanceTimersByTime(4_999);
  expect(side.destroyed).toBe(false);
  jest.advanceTimersByTime(1);
  expect(side.destroyed).toBe(true);
});
