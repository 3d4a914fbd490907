import { ClockWatch } from '../../src/wireguard/clock-jump.js';
import { DATA, INITIATION, RESPONSE } from '../support/message-types.js';
import { WireguardPair } from '../support/pairs/wireguard-pair.js';

/** If memory is never cloned, a sleep ends a session only if the session is then too old. */
function sleeper(): WireguardPair {
  const pair = WireguardPair.established({ sessionsOutliveSleep: true });
  pair.send('alice');
  pair.settle();
  pair.alice.events();
  pair.captured.length = 0;
  return pair;
}

/** Both sides sleep, or only the client while the server keeps running. */
function sleep(pair: WireguardPair, duration: number): void {
  pair.alice.wallClockOffset += duration;
}

describe('sessions that outlive a sleep', () => {
  it('uses a young session after the sleep, and logs nothing', () => {
    const pair = sleeper();
    sleep(pair, 60_000);
    const packet = pair.send('alice');
    pair.settle();
    expect(pair.bob.received.at(-1)).toEqual(packet);
    expect(pair.sent(INITIATION)).toEqual([]);
    expect(pair.alice.events()).toEqual([]);
  });

  it('adds sleeps to the age of a session: the first packet after 120 s renews it (row 34, initiator)', () => {
    const pair = sleeper();
    for (let nap = 0; nap < 11; nap++) {
      sleep(pair, 10_000);
      pair.send('alice');
    }
    expect(pair.sent(INITIATION)).toEqual([]);
    sleep(pair, 10_000);
    pair.send('alice');
    expect(pair.sent(DATA, 'alice')).toHaveLength(12);
    expect(pair.sent(INITIATION, 'alice')).toHaveLength(1);
  });

  it('sends nothing under a session that is 180 s old by the wall clock (row 34, initiator)', () => {
    const pair = sleeper();
    sleep(pair, 180_000);
    pair.send('alice');
    expect(pair.sent(DATA)).toEqual([]);
    expect(pair.sent(INITIATION, 'alice')).toHaveLength(1);
    expect(pair.alice.events()).toEqual([{ type: 'clock-jumped', by: 180_000 }]);
  });

  it('receives nothing under a session that is 180 s old by the wall clock (row 34, initiator)', () => {
    const pair = sleeper();
    // Each nap is short enough, but the session is too old after the last one.
    sleep(pair, 100_000);
    pair.alice.device.handleTimeout(pair.now);
    sleep(pair, 79_900);
    pair.alice.device.handleTimeout(pair.now);
    pair.advance(200);
    const delivered = pair.alice.received.length;
    pair.send('bob');
    pair.settle();
    expect(pair.alice.received).toHaveLength(delivered);
  });

  it('ends the session if the clock goes back, since its age is unknown', () => {
    const pair = sleeper();
    sleep(pair, -5_000);
    pair.send('alice');
    expect(pair.sent(DATA)).toEqual([]);
    expect(pair.sent(INITIATION, 'alice')).toHaveLength(1);
  });

  it('refuses a response to an initiation from before the sleep: the session would seem too young', () => {
    const pair = sleeper();
    pair.advance(6_000);
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    sleep(pair, 60_000);
    pair.alice.device.handleTimeout(pair.now);
    const before = pair.alice.peer.lastHandshakeUnix;
    pair.settle();
    expect(pair.sent(INITIATION)).toHaveLength(1);
    expect(pair.alice.peer.lastHandshakeUnix).toBe(before);
    expect(pair.alice.device.drops.of('unexpected-response')).toBe(1);
    // Another one may be sent at once.
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    expect(pair.sent(INITIATION)).toHaveLength(2);
  });

  it('requests a handshake at once if packets wait and no session exists', () => {
    const pair = new WireguardPair({ sessionsOutliveSleep: true });
    pair.link = () => false;
    pair.send('alice');
    pair.advance(1_000);
    sleep(pair, 5_000);
    pair.alice.device.handleTimeout(pair.now);
    expect(pair.sent(INITIATION)).toHaveLength(2);
  });
});

describe('after each sleep', () => {
  it.each([true, false])(
    'a handshake may begin at once, however short the sleep (sessions outlive it: %s)',
    (sessionsOutliveSleep) => {
      const pair = WireguardPair.established({ sessionsOutliveSleep });
      for (let nap = 1; nap <= 6; nap++) {
        sleep(pair, 600_000);
        pair.bob.wallClockOffset += 600_000;
        const packet = pair.send('alice');
        pair.settle();
        expect(pair.bob.received.at(-1)).toEqual(packet);
        expect(pair.sent(INITIATION, 'alice')).toHaveLength(nap);
        pair.advance(50);
      }
    },
  );

  it.each([true, false])(
    'clocks that disagree cause one initiation in 5 s after the first two (sessions outlive it: %s)',
    (sessionsOutliveSleep) => {
      const pair = WireguardPair.established({ sessionsOutliveSleep });
      pair.captured.length = 0;
      for (let step = 0; step < 200; step++) {
        sleep(pair, step % 2 === 0 ? 10_000 : -10_000);
        pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
        pair.send('alice');
        pair.settle();
        pair.advance(100);
      }
      expect(pair.sent(INITIATION, 'alice').length).toBeLessThanOrEqual(6);
    },
  );

  it('a persistent keepalive is due early, by the wall clock', () => {
    const pair = WireguardPair.established({ aliceKeepalive: 25_000, sessionsOutliveSleep: true });
    pair.settle();
    pair.captured.length = 0;
    sleep(pair, 20_000);
    pair.alice.device.handleTimeout(pair.now);
    pair.advance(4_900);
    expect(pair.captured).toEqual([]);
    pair.advance(200);
    expect(pair.sent(DATA, 'alice')).toHaveLength(1);
  });

  it('keys are wiped 540 s after their handshake by the wall clock (6.3)', () => {
    const pair = sleeper();
    sleep(pair, 100_000);
    pair.alice.device.handleTimeout(pair.now);
    pair.advance(439_000);
    expect(pair.alice.peer.keypairs.current).toBeDefined();
    pair.advance(1_000);
    expect(pair.alice.peer.keypairs.current).toBeUndefined();
  });
});

describe('refreshSession()', () => {
  it('begins a handshake only if no session exists', () => {
    const pair = new WireguardPair();
    pair.alice.device.refreshSession(pair.alice.peer, pair.now);
    expect(pair.sent(INITIATION)).toHaveLength(1);
    pair.settle();
    pair.advance(6_000);
    pair.alice.device.refreshSession(pair.alice.peer, pair.now);
    expect(pair.sent(INITIATION)).toHaveLength(1);
  });

  it('renews a session that the next packet would renew', () => {
    const pair = sleeper();
    sleep(pair, 119_000);
    pair.alice.device.refreshSession(pair.alice.peer, pair.now);
    expect(pair.sent(INITIATION)).toEqual([]);
    sleep(pair, 1_000);
    pair.alice.device.refreshSession(pair.alice.peer, pair.now);
    expect(pair.captured.map(({ type }) => type)).toEqual([INITIATION]);
  });

  it('is not delayed by a response to an abandoned initiation', () => {
    const pair = new WireguardPair({ bobKnowsAlice: true });
    // Sent before the sleep: the initiation stayed in the socket, and bob has abandoned it.
    pair.link = () => false;
    pair.bob.device.initiateHandshake(pair.bob.peer, pair.now);
    const [stale] = pair.sent(INITIATION, 'bob');
    pair.advance(90_000);
    pair.bob.peer.handshake.abandonInitiation();
    pair.link = () => true;
    pair.inject('alice', stale!.bytes);
    expect(pair.sent(RESPONSE, 'alice')).toHaveLength(1);
    // A handshake needs a waiting packet (6.1); the caller of refreshSession() knows that one will
    // come.
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    expect(pair.sent(INITIATION, 'alice')).toHaveLength(0);
    pair.alice.device.refreshSession(pair.alice.peer, pair.now);
    pair.settle();
    expect(pair.sent(INITIATION, 'alice')).toHaveLength(1);
    expect(pair.alice.peer.hasSession(pair.now)).toBe(true);
  });

  it('is delayed by its own recent initiation (6.1)', () => {
    const pair = new WireguardPair({ bobKnowsAlice: true });
    pair.link = () => false;
    pair.alice.device.refreshSession(pair.alice.peer, pair.now);
    pair.bob.device.initiateHandshake(pair.bob.peer, pair.now);
    pair.advance(4_000);
    pair.inject('alice', pair.sent(INITIATION, 'bob')[0]!.bytes);
    pair.alice.device.refreshSession(pair.alice.peer, pair.now);
    expect(pair.sent(INITIATION, 'alice')).toHaveLength(1);
  });

  it('sends one initiation if no response arrives; a timer retries', () => {
    const pair = new WireguardPair();
    pair.link = () => false;
    pair.alice.device.refreshSession(pair.alice.peer, pair.now);
    pair.alice.device.refreshSession(pair.alice.peer, pair.now);
    expect(pair.sent(INITIATION)).toHaveLength(1);
    pair.advance(6_000);
    pair.alice.device.handleTimeout(pair.now);
    expect(pair.sent(INITIATION)).toHaveLength(2);
  });
});

describe('ClockWatch', () => {
  /** A ClockWatch with two clocks that the test moves. */
  function watch() {
    const clocks = { wall: 1_800_000_000_000, now: 5_000 };
    const clockWatch = new ClockWatch({ unixMilliseconds: () => clocks.wall });
    const jump = (wall: number, now: number) => {
      clocks.wall += wall;
      clocks.now += now;
      return clockWatch.jump(clocks.now);
    };
    return { jump };
  }

  it('finds no jump in its first reading, whatever the clocks show', () => {
    const { jump } = watch();
    expect(jump(0, 0)).toBe(0);
  });

  it('finds no jump if both clocks advance together for a day', () => {
    const { jump } = watch();
    jump(0, 0);
    for (let hour = 0; hour < 24; hour++) expect(jump(3_600_000, 3_600_000)).toBe(0);
  });

  it.each([
    ['a suspend of ten minutes', 600_000, 0, 600_000],
    ['a suspend, and some time after it', 605_000, 5_000, 600_000],
    ['a wall clock set forward by a second', 1_010, 10, 1_000],
    ['a wall clock set back by an hour', -3_600_000, 0, -3_600_000],
    ['a wall clock set back by a second', -1_000, 0, -1_000],
    ['a monotonic clock that continues from an earlier reading', 10, -2_000, 2_010],
  ])('finds %s', (_, wall, now, expected) => {
    const { jump } = watch();
    jump(0, 0);
    expect(jump(wall, now)).toBe(expected);
    // The jump is reported once; afterwards the clocks agree again.
    expect(jump(7_000, 7_000)).toBe(0);
  });

  it.each([999, -999])('finds no jump in %i ms', (by) => {
    const { jump } = watch();
    jump(0, 0);
    expect(jump(by, 0)).toBe(0);
    expect(jump(-by, 0)).toBe(0);
  });

  it('accumulates jumps that are too small by themselves, and restarts after reporting', () => {
    const { jump } = watch();
    jump(0, 0);
    const found = Array.from({ length: 25 }, () => jump(6_100, 6_000));
    expect(found.filter((by) => by !== 0)).toEqual([
      expect.closeTo(1_070, 0),
      expect.closeTo(1_070, 0),
    ]);
    expect(found.findIndex((by) => by !== 0)).toBe(10);
  });

  it.each([30, -30])('tolerates clocks that drift apart by %i ms a minute, for a week', (drift) => {
    const { jump } = watch();
    jump(0, 0);
    for (let minute = 0; minute < 7 * 24 * 60; minute++) {
      expect(jump(60_000 + drift, 60_000)).toBe(0);
    }
    // The watch reports a jump by its size.
    expect(jump(5_000, 0)).toBe(5_000);
  });

  it('lets a drift in one direction cancel one in the other', () => {
    const { jump } = watch();
    jump(0, 0);
    for (let step = 0; step < 50; step++) {
      expect(jump(600, 0)).toBe(0);
      expect(jump(-1_200, 0)).toBe(0);
      expect(jump(600, 0)).toBe(0);
    }
  });
});
