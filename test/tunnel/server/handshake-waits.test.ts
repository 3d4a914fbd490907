import { HandshakeWaits } from '../../../src/tunnel/server/handshake-waits.js';
import { TunnelError } from '../../../src/tunnel/tunnel-error.js';
import { abortListeners } from '../../support/abort-listeners.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';

let clock: FakeClock;
let waits: HandshakeWaits;
beforeEach(() => {
  clock = new FakeClock();
  waits = new HandshakeWaits(clock);
});

function error(what: string): TunnelError {
  return new TunnelError('no-answer', { what, why: '' });
}
const silent = (): TunnelError => error('silent');

it('resolves all waits at a handshake', async () => {
  const both = [waits.wait(Infinity, silent), waits.wait(clock.now() + 1_000, silent)];
  waits.end();
  await Promise.all(both);
  expect(clock.armed).toBe(0);
});

it('rejects all waits with the reason why no handshake will happen', async () => {
  const wait = waits.wait(Infinity, silent);
  waits.end(error('closing'));
  await expect(wait).rejects.toMatchObject({ what: 'closing' });
});

it('rejects a wait at its deadline with the current state, and keeps the others', async () => {
  const early = waits.wait(clock.now() + 1_000, silent);
  const late = waits.wait(clock.now() + 2_000, silent);
  let isOver = false;
  early.catch(() => (isOver = true));
  clock.advance(999);
  await Promise.resolve();
  expect(isOver).toBe(false);
  clock.advance(1);
  await expect(early).rejects.toMatchObject({ what: 'silent' });
  waits.end();
  await late;
});

it('rejects a wait with the reason of its signal', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const wait = waits.wait(clock.now() + 1_000, silent, signal);
  controller.abort(new Error('stop'));
  await expect(wait).rejects.toThrow('stop');
  expect(clock.armed).toBe(0);
  await expect(waits.wait(Infinity, silent, signal)).rejects.toThrow('stop');
});

it('leaves no listener on a signal, however a wait ends', async () => {
  const stop = new AbortController();
  const ended = Array.from({ length: 10 }, () =>
    waits.wait(clock.now() + 1_000, silent, stop.signal).catch(() => undefined),
  );
  expect(abortListeners(stop)).toBe(10);
  waits.end();
  await Promise.all(ended);
  expect(abortListeners(stop)).toBe(0);
  const late = waits.wait(clock.now() + 1_000, silent, stop.signal);
  clock.advance(1_000);
  await expect(late).rejects.toMatchObject({ what: 'silent' });
  expect(abortListeners(stop)).toBe(0);
  expect(clock.armed).toBe(0);
});
