import { applySetRequest } from '../../../src/wireguard/uapi/apply.js';
import { getResponse } from '../../../src/wireguard/uapi/get-response.js';
import { parseSetRequest } from '../../../src/wireguard/uapi/set-request.js';
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { Device } from '../../../src/wireguard/device.js';
import { seededBytes, seededEntropy } from '../../support/fakes/seeded-entropy.js';

const NOW = 1000;
const hex = (key: Uint8Array) => Buffer.from(key).toString('hex');
const crypto = createNodeCrypto();
const keyOf = (seed: number) => hex(crypto.publicKey(seededBytes(seed, 32)));
const [ONE, OTHER] = [keyOf(1), keyOf(2)];

/** RFC 7748 5, decodeScalar25519. */
function clamp(key: Uint8Array): Uint8Array {
  const clamped = Uint8Array.from(key);
  clamped[0]! &= 248;
  clamped[31]! &= 127;
  clamped[31]! |= 64;
  return clamped;
}

class Configured {
  readonly device = new Device({
    privateKey: seededBytes(50, 32),
    crypto,
    entropy: seededEntropy(50),
    wallClock: { unixMilliseconds: () => 1_700_000_000_123 },
    mtu: 1420,
    sink: { transmit: () => undefined, deliver: () => undefined },
  });
  readonly moved: string[] = [];

  set(...lines: string[]): this {
    return this.setAll(lines);
  }

  setAll(lines: readonly string[]): this {
    applySetRequest(this.device, parseSetRequest(lines)!, {
      now: NOW,
      onEndpoint: (peer, { address, port }) =>
        this.moved.push(`${hex(peer.publicKey)} ${address} ${port}`),
    });
    return this;
  }

  get(prefix = ''): string[] {
    const lines = getResponse(this.device, { listenPort: 0, fwmark: 0 });
    return lines.filter((line) => line.startsWith(prefix));
  }
}

describe('get', () => {
  it('shows the whole device, with zeros for missing times and counts', () => {
    const { device } = new Configured().set(`public_key=${ONE}`, 'endpoint=[2001:db8::1]:7');
    expect(getResponse(device, { listenPort: 11_010, fwmark: 5 })).toEqual([
      `private_key=${hex(clamp(device.privateKey().expose()))}`,
      'listen_port=11010',
      'fwmark=5',
      `public_key=${ONE}`,
      `preshared_key=${'0'.repeat(64)}`,
      'protocol_version=1',
      'endpoint=[2001:db8::1]:7',
      'last_handshake_time_sec=0',
      'last_handshake_time_nsec=0',
      'tx_bytes=0',
      'rx_bytes=0',
      'persistent_keepalive_interval=0',
    ]);
  });

  it('omits unset values', () => {
    const configured = new Configured().set(`private_key=${'0'.repeat(64)}`, `public_key=${ONE}`);
    expect(configured.get('private_key')).toEqual([]);
    expect(configured.get('listen_port')).toEqual([]);
    expect(configured.get('fwmark')).toEqual([]);
    expect(configured.get('endpoint')).toEqual([]);
  });

  it('shows the time of the handshake and the bytes transferred', () => {
    const configured = new Configured().set(`public_key=${ONE}`);
    const [peer] = configured.device.peers;
    Object.assign(peer!, { lastHandshakeUnix: 1_700_000_000_123.5, txBytes: 148, rxBytes: 92 });
    expect(configured.get('last_')).toEqual([
      'last_handshake_time_sec=1700000000',
      'last_handshake_time_nsec=123000000',
    ]);
    expect([...configured.get('tx'), ...configured.get('rx')]).toEqual([
      'tx_bytes=148',
      'rx_bytes=92',
    ]);
  });
});

describe('set', () => {
  it('changes the private key', () => {
    const privateKey = hex(clamp(seededBytes(9, 32)));
    expect(new Configured().set(`private_key=${privateKey}`).get('private')).toEqual([
      `private_key=${privateKey}`,
    ]);
  });

  it.each([
    ['ff'.repeat(32), `f8${'ff'.repeat(30)}7f`],
    [`07${'00'.repeat(30)}80`, `00${'00'.repeat(30)}40`],
  ])('shows the private key %s clamped', (key, shown) => {
    expect(new Configured().set(`private_key=${key}`).get('private')).toEqual([
      `private_key=${shown}`,
    ]);
  });

  it('adds a peer with all given settings', () => {
    const configured = new Configured().set(
      `public_key=${ONE}`,
      `preshared_key=${OTHER}`,
      'endpoint=192.0.2.1:7',
      'persistent_keepalive_interval=25',
      'allowed_ip=fd00::/8',
      'allowed_ip=10.0.0.0/8',
    );
    expect(configured.get().slice(1)).toEqual([
      `public_key=${ONE}`,
      `preshared_key=${OTHER}`,
      'protocol_version=1',
      'endpoint=192.0.2.1:7',
      'last_handshake_time_sec=0',
      'last_handshake_time_nsec=0',
      'tx_bytes=0',
      'rx_bytes=0',
      'persistent_keepalive_interval=25',
      'allowed_ip=10.0.0.0/8',
      'allowed_ip=fd00::/8',
    ]);
    // As on an interface that is up, the first keepalive is due at once.
    expect(configured.device.nextTimeout()).toBe(NOW);
    expect(configured.moved).toEqual([]);
  });

  it('changes only the given settings of a peer', () => {
    const configured = new Configured().set(
      `public_key=${ONE}`,
      `preshared_key=${OTHER}`,
      'endpoint=192.0.2.1:7',
      'persistent_keepalive_interval=25',
      'allowed_ip=10.0.0.0/8',
    );
    const before = configured.get();
    expect(configured.set(`public_key=${ONE}`).get()).toEqual(before);
    configured.set(
      `public_key=${ONE}`,
      `preshared_key=${'0'.repeat(64)}`,
      'endpoint=192.0.2.2:8',
      'persistent_keepalive_interval=0',
      'allowed_ip=11.0.0.0/8',
    );
    expect(configured.get('preshared')).toEqual([`preshared_key=${'0'.repeat(64)}`]);
    expect(configured.get('endpoint')).toEqual(['endpoint=192.0.2.2:8']);
    expect(configured.get('persistent')).toEqual(['persistent_keepalive_interval=0']);
    expect(configured.get('allowed')).toEqual(['allowed_ip=10.0.0.0/8', 'allowed_ip=11.0.0.0/8']);
    expect(configured.device.nextTimeout()).toBe(Infinity);
    expect(configured.moved).toEqual([`${ONE} 192.0.2.2 8`]);
  });

  it('replaces allowed IPs, each of which belongs to one peer', () => {
    const configured = new Configured()
      .set(`public_key=${ONE}`, 'allowed_ip=10.0.0.0/8', 'allowed_ip=11.0.0.0/8')
      .set(`public_key=${ONE}`, 'replace_allowed_ips=true', 'allowed_ip=12.0.0.0/8')
      .set(`public_key=${OTHER}`, 'allowed_ip=12.0.0.0/8');
    const [one, other] = configured.device.peers;
    expect(configured.device.allowedIps.prefixesOf(one!)).toEqual([]);
    expect(configured.device.allowedIps.prefixesOf(other!)).toHaveLength(1);
  });

  it('removes a peer, and ignores an unknown one', () => {
    const configured = new Configured().set(`public_key=${ONE}`, `public_key=${OTHER}`);
    configured.set(`public_key=${ONE}`, 'remove=true', `public_key=${ONE}`, 'remove=true');
    expect(configured.get('public')).toEqual([`public_key=${OTHER}`]);
  });

  it('replaces all peers', () => {
    const configured = new Configured().set(`public_key=${ONE}`);
    expect(configured.set('replace_peers=true', `public_key=${OTHER}`).get('public')).toEqual([
      `public_key=${OTHER}`,
    ]);
  });

  it('does not add a peer with update_only', () => {
    expect(new Configured().set(`public_key=${ONE}`, 'update_only=true').get('public')).toEqual([]);
  });

  it('skips a peer with the local key', () => {
    const own = hex(new Configured().device.publicKey);
    const configured = new Configured().set(`public_key=${own}`, `public_key=${ONE}`);
    expect(configured.get('public')).toEqual([`public_key=${ONE}`]);
  });
});

it('accepts 130,560 allowed IPs', () => {
  const lines = [`public_key=${ONE}`];
  for (let high = 0; high < 510; high++) {
    for (let low = 0; low < 256; low++) {
      lines.push(`allowed_ip=10.${high >> 1}.${low}.${(high & 1) * 128}/25`);
    }
  }
  expect(new Configured().setAll(lines).get('allowed')).toHaveLength(130_560);
});
