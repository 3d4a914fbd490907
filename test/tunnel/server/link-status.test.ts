/** Two devices in virtual time: alice stands for a tunnel, bob for the Arc server. */
import {
  outstandingReplies,
  healthOf,
  peerStatuses,
} from '../../../src/tunnel/server/link-status.js';
import { formatKey } from '../../../src/lib/text/key-text.js';
import { seededBytes } from '../../support/fakes/seeded-entropy.js';
import { prefixes, WireguardPair } from '../../support/pairs/wireguard-pair.js';

const DEAF = () => false;
const DATA = 4;

function health(pair: WireguardPair, hasGivenUp = false, cannotSend = false) {
  const { device, peer } = pair.alice;
  return healthOf(device, peer, { hasGivenUp, cannotSend, now: pair.now });
}

describe('health is', () => {
  it('connecting until the first handshake, however long that takes', () => {
    const pair = new WireguardPair();
    expect(health(pair)).toBe('connecting');
    pair.link = DEAF;
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.advance(60_000);
    expect(health(pair)).toBe('connecting');
    pair.link = () => true;
    pair.advance(6_000);
    expect(health(pair)).toBe('up');
  });

  it('up while nothing is sent, even without a session', () => {
    const pair = WireguardPair.established();
    pair.advance(3_600_000);
    expect(pair.alice.peer.hasSession(pair.now)).toBe(false);
    expect(health(pair)).toBe('up');
  });

  it('up for the first 15 s of a later handshake, then stale until it is answered', () => {
    const pair = WireguardPair.established();
    pair.advance(200_000);
    pair.link = DEAF;
    pair.send('alice');
    pair.advance(14_999);
    expect(health(pair)).toBe('up');
    pair.advance(1);
    expect(health(pair)).toBe('stale');
    pair.link = () => true;
    pair.advance(6_000);
    expect(health(pair)).toBe('up');
  });

  it('stale if packets are sent, none is received, and no handshake is in progress', () => {
    const pair = WireguardPair.established();
    pair.link = ({ type }) => type !== DATA;
    pair.send('alice');
    pair.advance(14_999);
    expect(health(pair)).toBe('up');
    pair.advance(1);
    expect(pair.alice.peer.handshakeBeganAt).toBeUndefined();
    expect(health(pair)).toBe('stale');
  });

  it('stale 15 s after unanswered data, even while the handshake for it is new', () => {
    const pair = WireguardPair.established();
    pair.link = DEAF;
    pair.send('alice');
    pair.advance(14_999);
    expect(health(pair)).toBe('up');
    pair.advance(1);
    expect(health(pair)).toBe('stale');
    pair.advance(1_000);
    expect(pair.now - pair.alice.peer.handshakeBeganAt!).toBeLessThanOrEqual(1_000);
    expect(health(pair)).toBe('stale');
  });

  it('stale at once if the system refuses packets to the server, connecting before the first handshake', () => {
    expect(health(WireguardPair.established(), false, true)).toBe('stale');
    expect(health(new WireguardPair(), false, true)).toBe('connecting');
  });

  it('stale if the server was given up, whatever else is known', () => {
    const pair = new WireguardPair();
    expect(health(pair, true)).toBe('stale');
    expect(health(WireguardPair.established(), true)).toBe('stale');
  });
});

describe('the status of a peer', () => {
  it('is empty before anything is known', () => {
    const { alice } = new WireguardPair();
    alice.peer.setEndpoint(undefined);
    expect(peerStatuses(alice.device, alice.peer)).toEqual([
      {
        publicKey: Buffer.from(alice.peer.publicKey).toString('base64'),
        endpoint: undefined,
        allowedIps: ['10.0.0.2/32', '10.2.0.0/16', 'fd00::2/128'],
        persistentKeepalive: 0,
        latestHandshakeUnix: undefined,
        sentBytes: 0,
        receivedBytes: 0,
        roundTrip: undefined,
        lossIn: undefined,
      },
    ]);
  });

  it('has WireGuard’s counters in the units of its tools', () => {
    const pair = WireguardPair.established({ latency: 20, aliceKeepalive: 24_600 });
    const { alice } = pair;
    pair.send('bob');
    pair.link = DEAF;
    pair.send('bob');
    pair.link = () => true;
    pair.send('bob');
    pair.settle();
    const [status] = peerStatuses(alice.device, alice.peer);
    expect(status).toMatchObject({
      endpoint: '198.51.100.2:2222',
      persistentKeepalive: 25,
      latestHandshakeUnix: alice.peer.lastHandshakeUnix,
      // An initiation and the keepalive that confirms; a response and two packets of 112 bytes.
      sentBytes: 148 + 32,
      receivedBytes: 92 + 2 * (112 + 32),
      roundTrip: 40,
      lossIn: 1 / 3,
    });
    expect(status!.latestHandshakeUnix).toBeGreaterThan(Date.UTC(2026, 0, 1));
  });

  it('writes IPv6 addresses in brackets', () => {
    const { alice } = new WireguardPair();
    alice.peer.setEndpoint({ address: '2001:db8::1', port: 7 });
    expect(peerStatuses(alice.device, alice.peer)[0]!.endpoint).toBe('[2001:db8::1]:7');
  });

  it('is first for the server, and absent after the server was removed', () => {
    const { alice, now } = new WireguardPair();
    const { device, peer: server } = alice;
    const publicKey = device.publicKey.slice();
    publicKey.set(seededBytes(9, 16));
    const other = device.addPeer({ publicKey, allowedIps: prefixes('10.3.0.0/16') }, now);
    const keys = () => peerStatuses(device, server).map((status) => status.publicKey);
    expect(keys()).toEqual([server, other].map((peer) => formatKey(peer.publicKey)));
    expect(peerStatuses(device, other).map((status) => status.publicKey)).toEqual(keys().reverse());
    device.removePeer(server);
    expect(keys()).toEqual([formatKey(other.publicKey)]);
  });
});

it('writes a key as base64', () => {
  expect(formatKey(new Uint8Array(32).fill(255))).toBe(
    '//////////////////////////////////////////8=',
  );
});

describe('unanswered packets', () => {
  const silence = {
    explain: () => {
      throw new Error('no handshake is tried');
    },
    blocked: () => undefined,
  };
  const missed = (pair: WireguardPair) =>
    outstandingReplies(pair.alice.peer, silence, pair.now).unreturnedFor;

  it('are counted from the first one, and a keepalive is not an answer', () => {
    const pair = WireguardPair.established();
    pair.send('alice');
    pair.advance(500);
    pair.send('bob');
    pair.advance(500);
    expect(missed(pair)).toBeUndefined();
    const began = pair.now;
    for (let second = 0; second < 20; second++) {
      // Nothing shows yet that Bob is up.
      if (second === 5) expect(missed(pair)).toBeUndefined();
      pair.send('alice');
      pair.advance(1_000);
    }
    // Bob has answered by keepalives only.
    expect(pair.alice.device.silenceOf(pair.alice.peer, pair.now)).toBeUndefined();
    expect(missed(pair)).toBe(pair.now - began);
    pair.send('bob');
    pair.advance(500);
    expect(missed(pair)).toBeUndefined();
  });

  it('are no longer counted half a minute after the last of them', () => {
    const pair = WireguardPair.established();
    pair.send('bob');
    pair.advance(500);
    pair.send('alice');
    pair.advance(30_000);
    expect(missed(pair)).toBe(30_000);
    pair.advance(1);
    expect(missed(pair)).toBeUndefined();
  });
});
