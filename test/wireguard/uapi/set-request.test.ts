import { parseSetRequest } from '../../../src/wireguard/uapi/set-request.js';
import { prefixes } from '../../support/pairs/wireguard-pair.js';

const KEY = 'b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33';
const bytes = Uint8Array.from(KEY.match(/../g)!, (pair) => Number.parseInt(pair, 16));

const EMPTY_PEER = {
  publicKey: bytes,
  remove: false,
  updateOnly: false,
  replaceAllowedIps: false,
  allowedIps: [],
};

/** The parsed settings of one peer. */
function peerOf(...lines: string[]) {
  return parseSetRequest([`public_key=${KEY}`, ...lines])?.peers[0];
}

describe('a device', () => {
  it('is unchanged by an empty request', () => {
    expect(parseSetRequest([])).toEqual({ replacePeers: false, peers: [] });
  });

  it('can have its key, port, mark and all peers replaced', () => {
    const lines = [`private_key=${KEY}`, 'listen_port=12912', 'fwmark=0x20', 'replace_peers=true'];
    expect(parseSetRequest(lines)).toEqual({
      privateKey: bytes,
      listenPort: 12912,
      fwmark: 32,
      replacePeers: true,
      peers: [],
    });
  });

  it.each(['', '0'])('has its mark removed by fwmark=%s', (mark) => {
    expect(parseSetRequest([`fwmark=${mark}`])?.fwmark).toBe(0);
  });
});

describe('a peer', () => {
  it('starts with its key and no settings', () => {
    expect(peerOf()).toEqual(EMPTY_PEER);
    const two = parseSetRequest([`public_key=${KEY}`, 'remove=true', `public_key=${KEY}`]);
    expect(two?.peers.map(({ remove }) => remove)).toEqual([true, false]);
  });

  it('receives the given settings', () => {
    const peer = peerOf(
      'update_only=true',
      `preshared_key=${KEY}`,
      'endpoint=192.0.2.1:51820',
      'persistent_keepalive_interval=65535',
      'protocol_version=1',
      'allowed_ip=10.1.2.3/8',
      'allowed_ip=fd00::/64',
    );
    expect(peer).toEqual({
      ...EMPTY_PEER,
      updateOnly: true,
      presharedKey: bytes,
      endpoint: { address: '192.0.2.1', port: 51820 },
      persistentKeepalive: 65_535,
      allowedIps: prefixes('10.0.0.0/8', 'fd00::/64'),
    });
  });

  it('can have an IPv6 endpoint in brackets, in canonical form', () => {
    expect(peerOf('endpoint=[2001:DB8:0::1]:1')?.endpoint).toEqual({
      address: '2001:db8::1',
      port: 1,
    });
  });

  it('replaces the allowed IPs given before', () => {
    const peer = peerOf('allowed_ip=10.0.0.0/8', 'replace_allowed_ips=true', 'allowed_ip=::/0');
    expect(peer).toMatchObject({ replaceAllowedIps: true, allowedIps: prefixes('::/0') });
  });
});

describe('an invalid line', () => {
  it.each([
    'private_key',
    'private_key=',
    `private_key=${KEY.slice(1)}`,
    `private_key=${KEY}0`,
    'listen_port=65536',
    'listen_port=-1',
    'listen_port=',
    'fwmark=0x100000000',
    'fwmark=4294967296',
    'replace_peers=false',
    'allowed_ip=10.0.0.0/8',
    'mtu=1420',
    'public_key=00',
  ])('rejects the request: %s', (line) => {
    expect(parseSetRequest([line])).toBeUndefined();
  });

  it.each([
    'remove=false',
    'update_only=yes',
    'replace_allowed_ips=',
    'preshared_key=0',
    'endpoint=example.com:1',
    'endpoint=192.0.2.1',
    'endpoint=192.0.2.1:65536',
    'endpoint=2001:db8::1:1',
    'persistent_keepalive_interval=65536',
    'persistent_keepalive_interval=off',
    'allowed_ip=10.0.0.0',
    'allowed_ip=10.0.0.0/33',
    'protocol_version=2',
    'listen_port=1',
    'private_key=00',
  ])('rejects the request for a peer: %s', (line) => {
    expect(parseSetRequest([`public_key=${KEY}`, line])).toBeUndefined();
  });
});
