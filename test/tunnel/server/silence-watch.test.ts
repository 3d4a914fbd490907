import type { Peer } from '../../../src/engine/engine.js';
import { SilenceWatch } from '../../../src/tunnel/server/silence-watch.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';

type Watched = {
  -readonly [Key in 'rxBytes' | 'handshakeBeganAt' | 'unansweredDataSince']: Peer[Key];
};

function setUp() {
  const clock = new FakeClock();
  const peer: Watched = {
    rxBytes: 0,
    handshakeBeganAt: undefined,
    unansweredDataSince: undefined,
  };
  const silent: number[] = [];
  const began = clock.now();
  const watch = new SilenceWatch(clock, peer as Peer, () => silent.push(clock.now() - began));
  return { clock, peer, silent, began, watch };
}

it('is idle while nothing is sent', () => {
  const { clock, watch, silent } = setUp();
  watch.look(clock.now());
  expect(clock.armed).toBe(0);
  clock.advance(100_000);
  expect(watch.isSilent(clock.now())).toBe(false);
  expect(silent).toEqual([]);
});

it.each(['handshakeBeganAt', 'unansweredDataSince'] as const)('counts 15 s from %s', (wanted) => {
  const { clock, watch, silent, peer } = setUp();
  peer[wanted] = clock.now();
  clock.advance(4_000);
  watch.look(clock.now());
  clock.advance(10_999);
  expect(watch.isSilent(clock.now())).toBe(false);
  expect(silent).toEqual([]);
  clock.advance(1);
  expect(watch.isSilent(clock.now())).toBe(true);
  expect(silent).toEqual([15_000]);
});

it('counts from the last packet of the peer', () => {
  const { clock, watch, silent, peer } = setUp();
  peer.handshakeBeganAt = clock.now();
  watch.look(clock.now());
  clock.advance(10_000);
  peer.rxBytes += 32;
  expect(watch.look(clock.now())).toBe(true);
  expect(watch.look(clock.now())).toBe(false);
  clock.advance(14_999);
  expect(silent).toEqual([]);
  clock.advance(1);
  expect(silent).toEqual([25_000]);
});

it('reports nothing if the answer has arrived, and starts again with the next question', () => {
  const { clock, watch, silent, peer } = setUp();
  peer.unansweredDataSince = clock.now();
  watch.look(clock.now());
  clock.advance(10_000);
  peer.unansweredDataSince = undefined;
  clock.advance(10_000);
  expect(silent).toEqual([]);
  expect(clock.armed).toBe(0);
  peer.unansweredDataSince = clock.now();
  watch.look(clock.now());
  clock.advance(15_000);
  expect(silent).toEqual([35_000]);
});

it('reports every 15 s while attempts are made, and is idle after them', () => {
  const { clock, watch, silent, peer } = setUp();
  peer.handshakeBeganAt = clock.now();
  watch.look(clock.now());
  for (let attempt = 0; attempt < 8; attempt++) {
    watch.attempted();
    watch.look(clock.now());
    clock.advance(5_000);
  }
  clock.advance(100_000);
  expect(silent).toEqual([15_000, 30_000, 45_000]);
  expect(clock.armed).toBe(0);
});

it('starts again if the peer has answered after a report, even without an attempt', () => {
  const { clock, watch, silent, peer } = setUp();
  peer.handshakeBeganAt = clock.now();
  watch.look(clock.now());
  clock.advance(20_000);
  expect(clock.armed).toBe(0);
  peer.rxBytes += 32;
  watch.look(clock.now());
  clock.advance(15_000);
  expect(silent).toEqual([15_000, 35_000]);
});

it('reports nothing after it is closed', () => {
  const { clock, watch, silent, peer } = setUp();
  peer.handshakeBeganAt = clock.now();
  watch.look(clock.now());
  watch.close();
  watch.look(clock.now());
  expect(clock.armed).toBe(0);
  clock.advance(20_000);
  expect(silent).toEqual([]);
});
