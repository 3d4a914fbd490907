/** The reasons for silence: when each begins and ends. */
import { PLAUSIBLE_CLOCK } from '../../src/wireguard/constants.js';
import type { SilenceReason } from '../../src/wireguard/silence.js';
import { COOKIE_REPLY, DATA, INITIATION, RESPONSE } from '../support/message-types.js';
import { seededBytes } from '../support/fakes/seeded-entropy.js';
import { WireguardPair, ipv4, type Side } from '../support/pairs/wireguard-pair.js';
import { mac1Of, readIndex, writeCookieReply } from './conformance/whitepaper.js';

const DEAF = () => false;
const SIDES = ['alice', 'bob'] as const;

function silenceOf(pair: WireguardPair, side: Side = 'alice'): SilenceReason | undefined {
  return pair[side].device.silenceOf(pair[side].peer, pair.now);
}

/** The reason after each of these waits in milliseconds, in sequence. */
function silencesAfter(pair: WireguardPair, ...waits: number[]): (SilenceReason | undefined)[] {
  return waits.map((wait) => {
    pair.advance(wait);
    return silenceOf(pair);
  });
}

/** A cookie reply from Bob to Alice's last initiation. */
function askForCookie(pair: WireguardPair): void {
  const initiation = pair.sent(INITIATION, 'alice').at(-1)!.bytes;
  const reply = writeCookieReply(pair.crypto, {
    publicKey: pair.bob.device.publicKey,
    receiverIndex: readIndex(initiation, 4),
    mac1: mac1Of(initiation),
    cookie: seededBytes(8, 16),
  });
  expect(reply[0]).toBe(COOKIE_REPLY);
  pair.inject('alice', reply);
}

describe('no reason', () => {
  it('is reported before a packet is sent', () => {
    const pair = new WireguardPair({ bobKnowsAlice: true });
    pair.advance(100_000);
    expect([silenceOf(pair, 'alice'), silenceOf(pair, 'bob')]).toEqual([undefined, undefined]);
  });

  it('is reported while the tunnel works, idle or not', () => {
    const pair = WireguardPair.established({ aliceKeepalive: 25_000 });
    for (let step = 0; step < 40; step++) {
      pair.send('alice');
      pair.advance(30);
      pair.send('bob');
      pair.advance(20_000);
      expect([silenceOf(pair, 'alice'), silenceOf(pair, 'bob')]).toEqual([undefined, undefined]);
    }
    pair.advance(3_600_000);
    expect([silenceOf(pair, 'alice'), silenceOf(pair, 'bob')]).toEqual([undefined, undefined]);
  });

  it('is reported for an unconfirmed responder that has nothing to send', () => {
    const pair = new WireguardPair();
    pair.link = ({ type }) => type !== DATA;
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.advance(60_000);
    expect(silenceOf(pair, 'bob')).toBeUndefined();
  });

  it('is reported after discardSessions and setPrivateKey, until a packet is sent again', () => {
    for (const act of ['discard', 'key'] as const) {
      const pair = WireguardPair.established();
      pair.link = DEAF;
      pair.send('alice');
      pair.advance(30_000);
      expect(silenceOf(pair)).toBe('no-answer');
      if (act === 'discard') pair.alice.device.discardSessions();
      else pair.alice.device.setPrivateKey(seededBytes(5, 32));
      expect(silenceOf(pair)).toBeUndefined();
      pair.send('alice');
      expect(silenceOf(pair)).toBe('no-answer');
    }
  });

  it('is reported after a clock jump, unless a packet waits', () => {
    const idle = WireguardPair.established();
    idle.send('alice');
    idle.link = DEAF;
    idle.advance(10_000);
    idle.alice.wallClockOffset += 60_000;
    idle.alice.device.handleTimeout(idle.now);
    expect(silenceOf(idle)).toBeUndefined();
    const waiting = new WireguardPair();
    waiting.advance(1);
    waiting.link = DEAF;
    waiting.send('alice');
    waiting.advance(3_000);
    waiting.alice.wallClockOffset += 60_000;
    waiting.alice.device.handleTimeout(waiting.now);
    expect(silenceOf(waiting)).toBe('no-answer');
    expect(waiting.alice.peer.handshakeBeganAt).toBe(waiting.now);
  });
});

describe('no-answer', () => {
  it.each(SIDES)(
    'is the reason for %s from the first initiation until a session exists',
    (side) => {
      const pair = new WireguardPair({ bobKnowsAlice: true });
      pair.link = DEAF;
      pair.send(side);
      expect(silenceOf(pair, side)).toBe('no-answer');
      pair.advance(20_000);
      expect(silenceOf(pair, side)).toBe('no-answer');
      pair.link = () => true;
      pair.advance(5_400);
      expect(pair[side].peer.hasSession(pair.now)).toBe(true);
      expect(silenceOf(pair, side)).toBeUndefined();
    },
  );

  it('is the reason if no initiation could be sent yet', () => {
    const pair = new WireguardPair();
    const publicKey = pair.crypto.publicKey(seededBytes(7, 32));
    const options = { publicKey, allowedIps: [], chooseEndpoint: () => undefined };
    const peer = pair.alice.device.addPeer(options, pair.now);
    pair.alice.device.initiateHandshake(peer, pair.now);
    expect(pair.captured).toEqual([]);
    expect(pair.alice.device.silenceOf(peer, pair.now)).toBe('no-answer');
  });

  it('remains after giving up, and restarts with the next packet', () => {
    const pair = new WireguardPair();
    pair.link = DEAF;
    const begin = pair.now;
    pair.send('alice');
    pair.advance(3_600_000);
    expect(silenceOf(pair)).toBe('no-answer');
    expect(pair.alice.peer.handshakeBeganAt).toBe(begin);
    pair.send('alice');
    expect(pair.alice.peer.handshakeBeganAt).toBe(pair.now);
    const again = pair.now;
    pair.advance(50_000);
    pair.send('alice');
    expect(pair.alice.peer.handshakeBeganAt).toBe(again);
  });

  it('is the reason if neither a renewal nor data is answered for 5 s', () => {
    const pair = WireguardPair.established();
    pair.advance(121_000);
    pair.link = DEAF;
    pair.send('alice');
    expect(silencesAfter(pair, 0, 4_999, 1)).toEqual([undefined, undefined, 'no-answer']);
  });

  it('is not the reason while the old session lasts if only the renewal is unanswered', () => {
    const pair = WireguardPair.established();
    pair.advance(121_000);
    pair.link = ({ type }) => type === DATA;
    for (let step = 0; step < 5; step++) {
      pair.send('alice');
      expect(silenceOf(pair)).toBeUndefined();
      pair.advance(10);
      pair.send('bob');
      pair.advance(10_000);
      expect(pair.alice.peer.handshakeBeganAt).toBeDefined();
      expect(silenceOf(pair)).toBeUndefined();
    }
    pair.advance(10_000);
    expect(pair.alice.peer.hasSession(pair.now)).toBe(false);
    expect(silenceOf(pair)).toBe('no-answer');
  });

  it('replaces no-data-back if the handshake after unanswered data is also unanswered', () => {
    const pair = WireguardPair.established();
    pair.link = DEAF;
    pair.send('alice');
    expect(silencesAfter(pair, 14_999, 1)).toEqual([undefined, 'no-data-back']);
    pair.advance(400);
    const { at } = pair.sent(INITIATION)[0]!;
    expect(silencesAfter(pair, at + 4_999 - pair.now, 1)).toEqual(['no-data-back', 'no-answer']);
  });
});

describe('wrong-key', () => {
  it('is the reason after the first response that cannot be decrypted', () => {
    const pair = new WireguardPair({ alicePsk: seededBytes(1, 32) });
    pair.send('alice');
    expect(silencesAfter(pair, 19, 1)).toEqual(['no-answer', 'wrong-key']);
    pair.advance(3_600_000);
    expect(silenceOf(pair)).toBe('wrong-key');
    pair.bob.peer.setPresharedKey(seededBytes(1, 32));
    pair.send('alice');
    pair.settle();
    expect(silenceOf(pair)).toBeUndefined();
  });

  it('is not the reason for a later handshake without any answer', () => {
    const pair = new WireguardPair({ alicePsk: seededBytes(1, 32) });
    pair.send('alice');
    pair.advance(3_600_000);
    pair.link = DEAF;
    pair.send('alice');
    expect(silencesAfter(pair, 0, 20_000)).toEqual(['no-answer', 'no-answer']);
  });

  it('is the reason even in the millisecond in which the handshake began', () => {
    const pair = new WireguardPair({ alicePsk: seededBytes(1, 32), latency: 0 });
    pair.send('alice');
    pair.advance(0);
    expect(pair.alice.peer.lastResponseRejected).toBe(pair.alice.peer.handshakeBeganAt);
    expect(silenceOf(pair)).toBe('wrong-key');
  });
});

describe('under-load', () => {
  it('is the reason from the cookie until a session exists', () => {
    const pair = new WireguardPair();
    pair.link = DEAF;
    pair.send('alice');
    askForCookie(pair);
    expect(silenceOf(pair)).toBe('under-load');
    pair.advance(20_000);
    expect(silenceOf(pair)).toBe('under-load');
    pair.link = () => true;
    pair.advance(5_400);
    expect(silenceOf(pair)).toBeUndefined();
  });

  it('is not the reason for a later handshake', () => {
    const pair = new WireguardPair();
    pair.link = DEAF;
    pair.send('alice');
    askForCookie(pair);
    pair.advance(3_600_000);
    pair.send('alice');
    expect(silenceOf(pair)).toBe('no-answer');
  });

  it('is overridden by a response in the same millisecond that cannot be decrypted', () => {
    const pair = new WireguardPair({ alicePsk: seededBytes(1, 32) });
    pair.send('alice');
    pair.settle();
    askForCookie(pair);
    expect(pair.alice.peer.cookieReceivedAt).toBe(pair.alice.peer.lastResponseRejected);
    expect(silenceOf(pair)).toBe('wrong-key');
  });

  it('is overridden by a response that cannot be decrypted, and returns with a later cookie', () => {
    const pair = new WireguardPair({ alicePsk: seededBytes(1, 32) });
    pair.link = DEAF;
    pair.send('alice');
    askForCookie(pair);
    pair.link = () => true;
    pair.advance(5_400);
    expect(pair.sent(RESPONSE, 'bob')).toHaveLength(1);
    expect(silenceOf(pair)).toBe('wrong-key');
    pair.link = DEAF;
    pair.advance(5_400);
    askForCookie(pair);
    expect(silenceOf(pair)).toBe('under-load');
  });
});

describe('clock-behind', () => {
  /** Alice's clock shows this time, and her initiations are not answered. */
  function begun(clock: number): WireguardPair {
    const pair = new WireguardPair();
    pair.alice.wallClockOffset = clock - pair.now;
    pair.link = DEAF;
    pair.send('alice');
    return pair;
  }

  it('is the reason if the local timestamps are from a year before the build of this program', () => {
    expect(silenceOf(begun(0))).toBe('clock-behind');
    expect(silenceOf(begun(PLAUSIBLE_CLOCK - 1))).toBe('clock-behind');
    expect(silenceOf(begun(PLAUSIBLE_CLOCK))).toBe('no-answer');
  });

  it('is not the reason if the timestamps continue from those of an earlier process', () => {
    const pair = new WireguardPair();
    pair.link = DEAF;
    pair.send('alice');
    pair.advance(10_000);
    pair.alice.wallClockOffset = -pair.now;
    pair.send('alice');
    pair.advance(6_000);
    expect(silenceOf(pair)).toBe('no-answer');
  });

  it('ends with the first timestamp after the clock is set', () => {
    const pair = begun(0);
    pair.advance(10_000);
    expect(silenceOf(pair)).toBe('clock-behind');
    pair.alice.wallClockOffset = Date.UTC(2026, 0, 1);
    pair.advance(6_000);
    expect(silenceOf(pair)).toBe('no-answer');
  });

  it('is overridden by any answer', () => {
    const pair = begun(0);
    askForCookie(pair);
    expect(silenceOf(pair)).toBe('under-load');
  });
});

describe('no-data-back', () => {
  it.each(SIDES)('is the reason for %s 15 s after the first unanswered packet', (side) => {
    const pair = WireguardPair.established();
    pair.link = ({ from }) => from === side;
    const begin = pair.now;
    for (let second = 0; second < 14; second++) {
      pair.send(side);
      pair.advance(1_000);
    }
    pair.advance(999);
    expect(silenceOf(pair, side)).toBeUndefined();
    pair.advance(1);
    expect(pair.now - begin).toBe(15_000);
    expect(silenceOf(pair, side)).toBe('no-data-back');
    pair.link = () => true;
    pair.send(side === 'alice' ? 'bob' : 'alice');
    pair.settle();
    expect(silenceOf(pair, side)).toBeUndefined();
  });

  it('is not the reason if the peer sends only its keepalive', () => {
    const pair = WireguardPair.established();
    for (let second = 0; second < 120; second++) {
      pair.send('alice');
      pair.advance(1_000);
      expect(silenceOf(pair)).toBeUndefined();
    }
    expect(pair.sent(DATA, 'bob').every(({ bytes }) => bytes.length === 32)).toBe(true);
  });

  it('restarts with the first packet after an answer', () => {
    const pair = WireguardPair.established();
    pair.send('alice');
    pair.advance(9_000);
    pair.send('bob');
    pair.settle();
    pair.link = DEAF;
    pair.advance(10_000);
    expect(silenceOf(pair)).toBeUndefined();
    pair.send('alice');
    expect(silencesAfter(pair, 14_999, 1)).toEqual([undefined, 'no-data-back']);
  });

  it('remains after a handshake if packets in the new session are also unanswered', () => {
    const pair = WireguardPair.established();
    pair.link = ({ type }) => type !== DATA;
    for (let second = 0; second < 100; second++) {
      pair.send('alice');
      expect(silenceOf(pair)).toBe(second < 15 ? undefined : 'no-data-back');
      pair.advance(1_000);
    }
    expect(pair.sent(RESPONSE).length).toBeGreaterThan(3);
  });

  it('ends with a handshake if no more packets are sent: one keepalive was lost', () => {
    const pair = WireguardPair.established();
    pair.link = ({ from, type }) => from !== 'bob' || type !== DATA;
    pair.send('alice');
    pair.advance(16_000);
    expect(pair.sent(RESPONSE)).toHaveLength(1);
    expect(silenceOf(pair)).toBeUndefined();
    pair.advance(3_600_000);
    expect(silenceOf(pair)).toBeUndefined();
  });

  it('includes a packet that is sent with the handshake itself', () => {
    const pair = new WireguardPair();
    pair.link = ({ type }) => type !== DATA;
    pair.send('alice');
    pair.settle();
    expect(pair.alice.peer.lastPacketSentAt).toBe(pair.alice.peer.lastHandshakeAt);
    expect(silencesAfter(pair, 14_999, 1)).toEqual([undefined, 'no-data-back']);
  });

  it('ends with a refused packet, because the peer has answered', () => {
    const pair = WireguardPair.established();
    pair.link = ({ from }) => from === 'alice';
    pair.send('alice');
    pair.advance(15_000);
    expect(silenceOf(pair)).toBe('no-data-back');
    pair.link = () => true;
    pair.sendPacket('bob', ipv4('10.9.9.9', '10.0.0.1'));
    pair.settle();
    expect(pair.alice.device.drops.of('wrong-source')).toBe(1);
    expect(silenceOf(pair)).toBeUndefined();
  });
});
