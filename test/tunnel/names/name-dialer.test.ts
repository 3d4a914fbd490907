import { PassThrough } from 'node:stream';

import { DialError, type DialFailure, type DialTarget } from '../../../src/proxy/dialer.js';
import type { ConfirmingStream } from '../../../src/proxy/tcp-exchange.js';
import { NameDialer } from '../../../src/tunnel/names/name-dialer.js';
import type { NameResolver } from '../../../src/tunnel/names/name-resolver.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';

const STREAM: ConfirmingStream = Object.assign(new PassThrough(), { unacknowledgedBytes: 0 });

let clock: FakeClock;
let asked: string[];
let dialled: string[];
beforeEach(() => {
  clock = new FakeClock();
  asked = [];
  dialled = [];
});

/**
 * @param addresses the addresses of each name
 * @param answer the result of a dial
 */
function dialerFor(
  addresses: readonly string[],
  answer: (target: DialTarget) => DialError | Error | undefined,
): NameDialer<ConfirmingStream> {
  const resolver = {
    resolve: (name: string) => {
      asked.push(name);
      return Promise.resolve(addresses);
    },
  } as unknown as NameResolver;
  const dialer = {
    dial: (target: DialTarget) => {
      dialled.push(`${target.host} ${target.port}`);
      const failure = answer(target);
      return failure === undefined ? Promise.resolve(STREAM) : Promise.reject(failure);
    },
  };
  return new NameDialer(resolver, dialer, clock);
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `10.0.0.${index + 1}`);
}

function failure(reason: DialFailure): (target: DialTarget) => DialError {
  return ({ host }) => new DialError(reason, `no way to ${host}`);
}

it.each(['10.0.0.1', '2001:db8::1', '::ffff:10.0.0.1'])('sends no query for %s', async (host) => {
  const dialer = dialerFor([], () => undefined);
  expect(await dialer.dial({ host, port: 443 })).toBe(STREAM);
  expect(asked).toEqual([]);
  expect(dialled).toEqual([`${host} 443`]);
});

it.each(['no-route', 'refused', 'unreachable', 'timeout'] as const)(
  'tries the next address after %s',
  async (reason) => {
    const dialer = dialerFor(numbered(3), ({ host }) =>
      host === '10.0.0.2' ? undefined : failure(reason)({ host, port: 0 }),
    );
    expect(await dialer.dial({ host: 'one.test', port: 80 })).toBe(STREAM);
    expect(asked).toEqual(['one.test']);
    expect(dialled).toEqual(['10.0.0.1 80', '10.0.0.2 80']);
  },
);

it.each(['no-handshake', 'closed', 'exhausted'] as const)(
  'fails with %s, which another address would not fix',
  async (reason) => {
    const dialer = dialerFor(numbered(3), failure(reason));
    await expect(dialer.dial({ host: 'one.test', port: 80 })).rejects.toMatchObject({
      reason,
      message: 'no way to 10.0.0.1',
    });
    expect(dialled).toHaveLength(1);
  },
);

it('fails with an error that is not a dial failure', async () => {
  const error = new TypeError('a fault');
  await expect(dialerFor(numbered(2), () => error).dial({ host: 'a', port: 1 })).rejects.toBe(
    error,
  );
  expect(dialled).toHaveLength(1);
});

it('tries at most eight addresses per name', async () => {
  const dialer = dialerFor(numbered(200), failure('refused'));
  await expect(dialer.dial({ host: 'one.test', port: 80 })).rejects.toMatchObject({
    message: 'one.test: no way to 10.0.0.1',
  });
  expect(dialled).toHaveLength(8);
});

it('does not try another address after 20 s', async () => {
  const dialer = dialerFor(numbered(8), (target) => {
    clock.advance(10_000);
    return failure('timeout')(target);
  });
  await expect(dialer.dial({ host: 'one.test', port: 80 })).rejects.toMatchObject({
    reason: 'timeout',
  });
  expect(dialled).toHaveLength(2);
});

it('reports the first failure with the name, the address, the silence and the cause', async () => {
  const cause = new Error('why');
  const dialer = dialerFor(numbered(2), ({ host }) =>
    host === '10.0.0.1'
      ? new DialError('timeout', 'silence', { cause, silence: 'no-answer' })
      : new DialError('refused', 'RST'),
  );
  await expect(dialer.dial({ host: 'one.test', port: 80 })).rejects.toMatchObject({
    reason: 'timeout',
    message: 'one.test: 10.0.0.1: silence',
    silence: 'no-answer',
    cause,
  });
});

it('rejects with the reason of its signal, even if an address has failed before', async () => {
  const gone = new Error('the client has disconnected');
  const leaving = new AbortController();
  const dialer = dialerFor(numbered(3), ({ host }) => {
    if (host === '10.0.0.1') return failure('refused')({ host, port: 0 });
    leaving.abort(gone);
    return gone;
  });
  const dial = dialer.dial({ host: 'one.test', port: 80 }, leaving.signal);
  await expect(dial).rejects.toBe(gone);
  expect(dialled).toHaveLength(2);
});
