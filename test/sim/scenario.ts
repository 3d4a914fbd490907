/** The constants of a run: the two ends, their keys and options. Drawn from the seed. */
import type { Crypto } from '../../src/crypto/crypto.js';
import type { Endpoint } from '../../src/ports/datagram.js';
import { prefixes } from '../support/pairs/wireguard-pair.js';
import { End, otherSide, type CreateDevice, type EndSink, type Side } from './end.js';
import { Random } from './random.js';
import { PREFIXES } from './traffic.js';

export interface Scenario {
  readonly seed: number;
  readonly mtu: number;
  /** The side whose address changes; the other side's never does. */
  readonly mobile: Side;
  /**
   * Whether the other side is configured with the mobile side's address, or must wait for its first
   * message.
   */
  readonly isMobileKnown: boolean;
  readonly presharedKey: Uint8Array | undefined;
  readonly privateKeys: Readonly<Record<Side, Uint8Array>>;
  /** ms; 0 is off. */
  readonly persistentKeepalives: Readonly<Record<Side, number>>;
  /** The fraction by which a wall clock is too fast, or too slow if negative. */
  readonly clockDrifts: Readonly<Record<Side, number>>;
}

const ENDPOINTS: Record<Side, Endpoint> = {
  alice: { address: '192.0.2.1', port: 51_820 },
  bob: { address: '2001:db8::2', port: 51_821 },
};

export function drawScenario(seed: number): Scenario {
  const random = new Random(seed, 1);
  const keepalive = (): number => random.pick([0, 0, 0, 10_000, 25_000]);
  // 200 ppm are 0.7 s in an idle hour: less than the threshold for a jump.
  const drift = (): number => random.between(-200, 200) / 1e6;
  return {
    seed,
    mtu: random.pick([1_280, 1_415, 1_420]),
    mobile: random.pick(['alice', 'bob']),
    isMobileKnown: random.chance(0.5),
    presharedKey: random.chance(0.5) ? random.bytes(32) : undefined,
    privateKeys: { alice: random.bytes(32), bob: random.bytes(32) },
    persistentKeepalives: { alice: keepalive(), bob: keepalive() },
    clockDrifts: { alice: drift(), bob: drift() },
  };
}

export function createEnds(
  scenario: Scenario,
  crypto: Crypto,
  createDevice: CreateDevice,
  sink: EndSink,
): Record<Side, End> {
  const create = (side: Side): End => {
    const other = otherSide(side);
    const mustWait = other === scenario.mobile && !scenario.isMobileKnown;
    const options = {
      side,
      seed: scenario.seed,
      crypto,
      createDevice,
      privateKey: scenario.privateKeys[side],
      peerPublicKey: crypto.publicKey(scenario.privateKeys[other]),
      presharedKey: scenario.presharedKey,
      persistentKeepalive: scenario.persistentKeepalives[side],
      clockDrift: scenario.clockDrifts[side],
      mtu: scenario.mtu,
      endpoint: ENDPOINTS[side],
      peerEndpoint: mustWait ? undefined : ENDPOINTS[other],
      peerAllowedIps: prefixes(...PREFIXES[other]),
    };
    return new End(options, sink);
  };
  return { alice: create('alice'), bob: create('bob') };
}
