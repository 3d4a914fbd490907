/** The five timers, first between two devices and then alone. */
import { Timers, type TimerHandler } from '../../src/wireguard/timers.js';
import { INITIATION } from '../support/message-types.js';
import { seededEntropy } from '../support/fakes/seeded-entropy.js';
import { WireguardPair } from '../support/pairs/wireguard-pair.js';

describe('the handshake with a silent peer', () => {
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
  it('continues while the server is down for an hour', () => {
    const pair = new WireguardPair({ aliceKeepalive: 1_000 });
    pair.link = () => false;
    pair.advance(3_600_000);
    pair.link = () => true;
    pair.advance(6_000);
    expect(pair.alice.peer.hasSession(pair.now)).toBe(true);
  });
});

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
