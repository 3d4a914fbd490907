/** The five timers, first between two devices and then alone. */
import { Timers, type TimerHandler } from '../../src/wireguard/timers.js';
import { DATA, INITIATION } from '../support/message-types.js';
import { seededEntropy } from '../support/fakes/seeded-entropy.js';
import { WireguardPair, type Capture } from '../support/pairs/wireguard-pair.js';

function isKeepalive({ type, bytes }: Capture): boolean {
  return type === DATA && bytes.length === 32;
}

function keepalives(pair: WireguardPair): [string, number][] {
  return pair.captured.filter(isKeepalive).map(({ from, at }) => [from, at]);
}

describe('the passive keepalive', () => {
  it('is sent once, 10 s after the first unanswered data', () => {
    const pair = WireguardPair.established();
    pair.send('bob');
    pair.settle();
    const arrival = pair.now;
    pair.advance(100_000);
    expect(keepalives(pair)).toEqual([['alice', arrival + 10_000]]);
    expect(pair.sent(INITIATION)).toEqual([]);
  });

  it('is sent a second time if data arrived meanwhile', () => {
    const pair = WireguardPair.established();
    pair.send('bob');
    pair.settle();
    const arrival = pair.now;
    pair.advance(4_000);
    pair.send('bob');
    pair.advance(80_000);
    expect(keepalives(pair)).toEqual([
      ['alice', arrival + 10_000],
      ['alice', arrival + 20_000],
    ]);
  });

  it('is not sent if any packet was sent', () => {
    const pair = WireguardPair.established();
    pair.send('bob');
    pair.advance(9_000);
    pair.send('alice');
    pair.advance(2_000);
    expect(keepalives(pair).filter(([from]) => from === 'alice')).toEqual([]);
  });
});

describe('the handshake with a silent peer', () => {
  it('begins 15 s plus up to a third of a second after the first unanswered data', () => {
    const pair = WireguardPair.established();
    pair.link = ({ from }) => from !== 'alice';
    const begin = pair.now;
    for (let second = 0; second < 15; second++) {
      pair.send('alice');
      pair.advance(1_000);
    }
    expect(pair.sent(INITIATION)).toEqual([]);
    pair.advance(334);
    expect(pair.sent(INITIATION)).toHaveLength(1);
    const { at } = pair.sent(INITIATION)[0]!;
    expect(at - begin).toBeGreaterThanOrEqual(15_000);
    expect(at - begin).toBeLessThanOrEqual(15_333);
  });

  it('has jitter that depends on the seed', () => {
    const delays = [1, 2, 3, 4, 5, 6].map((seed) => {
      const pair = WireguardPair.established({ seed });
      pair.link = () => false;
      const begin = pair.now;
      pair.send('alice');
      pair.advance(15_400);
      return pair.sent(INITIATION)[0]!.at - begin;
    });
    expect(new Set(delays).size).toBeGreaterThan(3);
  });

  it('does not begin if a keepalive answers', () => {
    const pair = WireguardPair.established();
    pair.send('alice');
    pair.advance(60_000);
    expect(keepalives(pair)).toHaveLength(1);
    expect(pair.sent(INITIATION)).toEqual([]);
  });

  it('restores a session with a server that has lost its state', () => {
    const pair = WireguardPair.established();
    pair.bob.device.discardSessions();
    pair.send('alice');
    pair.advance(15_400);
    expect(pair.sent(INITIATION, 'alice')).toHaveLength(1);
    const packet = pair.send('alice');
    pair.settle();
    expect(pair.bob.received).toEqual([packet]);
  });
});

describe('the persistent keepalive', () => {
  it('is sent after each interval of silence', () => {
    const pair = WireguardPair.established({ aliceKeepalive: 25_000 });
    const begin = pair.now;
    pair.advance(80_000);
    expect(keepalives(pair).map(([from, at]) => [from, Math.round((at - begin) / 1_000)])).toEqual([
      ['alice', 25],
      ['alice', 50],
      ['alice', 75],
    ]);
  });

  it('is not sent while the tunnel carries traffic in either direction', () => {
    const pair = WireguardPair.established({ aliceKeepalive: 8_000 });
    for (let step = 0; step < 20; step++) {
      pair.send('bob');
      pair.advance(2_500);
      pair.send('alice');
      pair.advance(2_500);
    }
    expect(keepalives(pair)).toEqual([]);
  });

  it('continues while the server is down for an hour', () => {
    const pair = new WireguardPair({ aliceKeepalive: 1_000 });
    pair.link = () => false;
    pair.advance(3_600_000);
    pair.link = () => true;
    pair.advance(6_000);
    expect(pair.alice.peer.hasSession(pair.now)).toBe(true);
  });
});

it('two idle peers stop sending, and stay silent for ten hours', () => {
  const pair = WireguardPair.established();
  pair.send('alice');
  pair.send('bob');
  pair.advance(36_000_000);
  expect(pair.captured.length).toBeLessThanOrEqual(4);
  expect(pair.alice.device.nextTimeout()).toBe(Infinity);
});

it('six hours of traffic have a handshake every two minutes, and lose no packet', () => {
  const pair = WireguardPair.established();
  let sent = 0;
  for (let time = 0; time < 6 * 3_600_000; time += 20_000) {
    pair.send('alice');
    pair.send('bob');
    sent++;
    pair.advance(20_000);
  }
  expect(pair.alice.received).toHaveLength(sent);
  expect(pair.bob.received).toHaveLength(sent);
  expect(pair.sent(INITIATION, 'bob')).toEqual([]);
  const handshakes = pair.sent(INITIATION, 'alice').length;
  expect(handshakes).toBeGreaterThanOrEqual(150);
  expect(handshakes).toBeLessThanOrEqual(180);
  expect(pair.alice.device.drops.total + pair.bob.device.drops.total).toBe(0);
  expect(pair.bob.peer.rxBytes).toBe(pair.alice.peer.txBytes);
  expect(pair.alice.peer.rxBytes).toBe(pair.bob.peer.txBytes);
}, 30_000);

describe('Timers', () => {
  function createTimers(interval = 0, seed = 1): { timers: Timers; calls: string[] } {
    const calls: string[] = [];
    return { timers: new Timers(seededEntropy(seed), interval), calls };
  }

  function handlerOf(calls: string[]): TimerHandler<string> {
    return {
      doubtSource: () => undefined,
      retryHandshake: () => calls.push('retry'),
      giveUpHandshake: () => calls.push('give-up'),
      sendKeepalive: () => calls.push('keepalive'),
      beginHandshake: () => calls.push('begin'),
      zeroKeyMaterial: () => calls.push('zero'),
    };
  }

  /** Handles every deadline until `end`, each at its exact time. */
  function run(timers: Timers, calls: string[], end: number): void {
    let steps = 0;
    for (let now = timers.nextTimeout(); now <= end; now = timers.nextTimeout()) {
      if (++steps > 1_000) throw new Error('a timer is always due');
      timers.handleTimeout('peer', handlerOf(calls), now);
    }
  }

  it('reports the earliest deadline', () => {
    const { timers } = createTimers(7_000);
    expect(timers.nextTimeout()).toBe(Infinity);
    timers.sessionDerived(0);
    expect(timers.nextTimeout()).toBe(540_000);
    timers.dataSent(0);
    expect(Math.floor(timers.nextTimeout() / 1000)).toBe(15);
    timers.dataReceived(0);
    expect(timers.nextTimeout()).toBe(10_000);
    timers.anyAuthenticatedPacketTraversal(0);
    expect(timers.nextTimeout()).toBe(7_000);
    timers.handshakeInitiated(0);
    expect(Math.floor(timers.nextTimeout() / 1000)).toBe(5);
    timers.stop();
    expect(timers.nextTimeout()).toBe(Infinity);
  });

  it.each<[string, (timers: Timers) => void]>([
    ['retry', (timers) => timers.handshakeInitiated(0)],
    ['keepalive', (timers) => timers.dataReceived(0)],
    ['begin', (timers) => timers.dataSent(0)],
    ['zero', (timers) => timers.sessionDerived(0)],
    ['keepalive', (timers) => timers.anyAuthenticatedPacketTraversal(0)],
  ])('%s: at its deadline, not before', (call, arm) => {
    const { timers, calls } = createTimers(7_000);
    arm(timers);
    const deadline = timers.nextTimeout();
    timers.handleTimeout('peer', handlerOf(calls), deadline - 1);
    expect(calls).toEqual([]);
    timers.handleTimeout('peer', handlerOf(calls), deadline);
    expect(calls).toEqual([call]);
    expect(timers.nextTimeout()).toBeGreaterThan(deadline);
  });

  it('expires each timer once', () => {
    const { timers, calls } = createTimers();
    timers.sessionDerived(0);
    timers.dataSent(0);
    timers.dataReceived(0);
    timers.handleTimeout('peer', handlerOf(calls), 540_000);
    timers.handleTimeout('peer', handlerOf(calls), 540_001);
    expect(calls).toEqual(['zero', 'begin', 'keepalive']);
  });

  it('retries after 5,000 to 5,332 ms, at varying delays', () => {
    const delays = Array.from({ length: 200 }, (_, seed) => {
      const { timers } = createTimers(0, seed);
      timers.handshakeInitiated(1_000_000);
      return timers.nextTimeout() - 1_000_000;
    });
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(5_000);
    expect(Math.max(...delays)).toBeLessThanOrEqual(5_332);
    expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(300);
  });

  it('postpones a handshake that may not begin yet, without delaying retries', () => {
    const { timers, calls } = createTimers();
    timers.handshakeDelayed(1_000);
    const deadline = timers.nextTimeout();
    expect(deadline).toBeGreaterThanOrEqual(6_000);
    timers.handshakeDelayed(2_000);
    expect(timers.nextTimeout()).toBe(deadline);
    timers.handleTimeout('peer', handlerOf(calls), deadline);
    expect(calls).toEqual(['retry']);
  });

  it('continues to retry if a retry could not be sent', () => {
    const { timers, calls } = createTimers();
    timers.handshakeInitiated(0);
    run(timers, calls, 200_000);
    expect(calls).toEqual([...Array<string>(19).fill('retry'), 'give-up']);
    timers.handleTimeout('peer', handlerOf(calls), timers.nextTimeout());
    expect(calls.at(-1)).toBe('zero');
  });

  it('counts the retries until a new handshake is requested or the handshake completes', () => {
    const { timers, calls } = createTimers();
    for (const end of ['handshakeWanted', 'handshakeComplete'] as const) {
      timers.handshakeInitiated(0);
      run(timers, calls, 12_000);
      expect(timers.handshakeAttempts).toBe(2);
      timers[end]();
      expect(timers.handshakeAttempts).toBe(0);
    }
    expect(timers.nextTimeout()).toBe(Infinity);
  });

  it('reports that it gave up until a handshake is requested again', () => {
    const { timers, calls } = createTimers();
    expect(timers.hasGivenUp).toBe(false);
    timers.handshakeInitiated(0);
    for (let attempt = 0; attempt < 19; attempt++) {
      run(timers, calls, timers.nextTimeout());
      expect(timers.hasGivenUp).toBe(false);
    }
    run(timers, calls, timers.nextTimeout());
    expect(calls.at(-1)).toBe('give-up');
    expect(timers.hasGivenUp).toBe(true);
    timers.handshakeWanted();
    expect(timers.hasGivenUp).toBe(false);
  });

  it('does not schedule a keepalive for an abandoned peer', () => {
    const { timers, calls } = createTimers();
    timers.handshakeInitiated(0);
    run(timers, calls, 95_000);
    timers.dataReceived(95_000);
    run(timers, calls, 539_000);
    expect(calls).not.toContain('keepalive');
  });

  it('schedules the wiping of the keys when it gives up, unless it is already due', () => {
    const withSession = createTimers();
    withSession.timers.sessionDerived(0);
    withSession.timers.handshakeInitiated(0);
    run(withSession.timers, withSession.calls, 540_000);
    expect(withSession.calls.slice(-2)).toEqual(['give-up', 'zero']);

    const without = createTimers();
    without.timers.handshakeInitiated(0);
    run(without.timers, without.calls, 540_000 + 99_000);
    expect(without.calls.at(-1)).toBe('give-up');
    run(without.timers, without.calls, 540_000 + 110_000);
    expect(without.calls.at(-1)).toBe('zero');
  });

  it('answers one message with one keepalive, and several with two, even after stop()', () => {
    const { timers, calls } = createTimers();
    timers.dataReceived(0);
    run(timers, calls, 60_000);
    expect(calls).toEqual(['keepalive']);
    timers.dataReceived(60_000);
    timers.dataReceived(61_000);
    timers.stop();
    timers.dataReceived(70_000);
    run(timers, calls, 200_000);
    expect(calls).toEqual(['keepalive', 'keepalive']);
    timers.dataReceived(200_000);
    timers.dataReceived(201_000);
    run(timers, calls, 300_000);
    expect(calls).toHaveLength(4);
  });

  it('counts a sent message as an answer to all earlier ones', () => {
    const { timers, calls } = createTimers();
    timers.dataReceived(0);
    timers.dataReceived(1_000);
    timers.anyAuthenticatedPacketSent();
    timers.dataReceived(2_000);
    run(timers, calls, 100_000);
    expect(calls).toEqual(['keepalive']);
  });

  it('continues persistent keepalives if one could not be sent', () => {
    const { timers, calls } = createTimers(25_000);
    timers.start(1_000);
    expect(timers.nextTimeout()).toBe(1_000);
    run(timers, calls, 1_000 + 3 * 25_000);
    expect(calls).toEqual(Array(4).fill('keepalive'));
  });

  it('schedules only the persistent keepalive after sessions are discarded', () => {
    const { timers, calls } = createTimers(700_000);
    timers.anyAuthenticatedPacketTraversal(0);
    timers.sessionDerived(0);
    timers.handshakeInitiated(0);
    timers.dataSent(0);
    timers.dataReceived(0);
    timers.dataReceived(0);
    timers.sessionsDiscarded();
    expect(timers.nextTimeout()).toBe(700_000);
    timers.dataReceived(1_000);
    run(timers, calls, 600_000);
    expect(calls).toEqual(['keepalive']);
  });
});
