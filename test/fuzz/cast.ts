/** The peers of the device under test, all played by hand. */
import type { Crypto } from '../../src/crypto/crypto.js';
import type { Entropy } from '../../src/ports/entropy.js';
import type { Endpoint } from '../../src/ports/datagram.js';
import type { Device, Peer } from '../../src/wireguard/device.js';
import { prefixes } from '../support/pairs/wireguard-pair.js';
import { Counters } from './counters.js';
import { Puppet } from './puppet.js';

/**
 * - `server`: the device began its session
 * - `client`: it began its session with the device
 * - `retired`: its session is left to expire
 * - `knocker`: it repeatedly begins handshakes
 * - `awaited`: the device waits for its response
 */
export type Role = 'server' | 'client' | 'retired' | 'knocker' | 'awaited';

const ROLES: readonly Role[] = ['server', 'client', 'retired', 'knocker', 'awaited'];

/** The roles that always have a live session. */
export const LIVE = ['server', 'client'] as const;

export interface Played {
  readonly role: Role;
  readonly puppet: Puppet;
  readonly peer: Peer;
  /** The inner IPv4 address. */
  readonly address: string;
  readonly counters: Counters;
  /** The `now` at which the device derived the current session; -Infinity for none. */
  sessionAt: number;
}

/** The device's own addresses, inside the tunnel and outside. */
export const DEVICE_ADDRESS = '10.9.0.1';
export const DEVICE_ENDPOINT: Endpoint = { address: '198.51.100.1', port: 51_820 };

export class Cast {
  readonly played: Readonly<Record<Role, Played>>;
  /** A puppet whose key belongs to no peer. */
  readonly stranger: Puppet;
  readonly #crypto: Crypto;
  readonly #entropy: Entropy;
  readonly #device: Device;

  /** Adds the peers to `device`. */
  constructor(device: Device, crypto: Crypto, entropy: Entropy, now: number) {
    this.#device = device;
    this.#crypto = crypto;
    this.#entropy = entropy;
    this.played = Object.fromEntries(
      ROLES.map((role, index) => [role, this.#play(role, index, now)]),
    ) as Record<Role, Played>;
    this.stranger = this.#puppet({ address: '203.0.113.5', port: 999 });
  }

  /** Every other peer has a pre-shared key. */
  #play(role: Role, index: number, now: number): Played {
    const psk = index % 2 === 0 ? { presharedKey: randomKey(this.#entropy) } : {};
    const endpoint = { address: `192.0.2.${index + 10}`, port: 4_000 + index };
    const address = `10.9.0.${index + 2}`;
    const puppet = this.#puppet(endpoint, psk);
    const allowedIps = prefixes(`${address}/32`, `fd09::${index + 2}/128`);
    const peer = this.#device.addPeer(
      { publicKey: puppet.publicKey, endpoint, allowedIps, ...psk },
      now,
    );
    return { role, puppet, peer, address, counters: new Counters(), sessionAt: -Infinity };
  }

  #puppet(endpoint: Endpoint, psk: { readonly presharedKey?: Uint8Array } = {}): Puppet {
    return new Puppet({
      crypto: this.#crypto,
      entropy: this.#entropy,
      privateKey: randomKey(this.#entropy),
      devicePublicKey: this.#device.publicKey,
      endpoint,
      ...psk,
    });
  }
}

export function randomKey(entropy: Entropy): Uint8Array {
  const key = new Uint8Array(32);
  entropy.fill(key);
  return key;
}
