import { createNodeCrypto } from '../../../src/crypto/node.js';
import { Device } from '../../../src/wireguard/device.js';
import { readGetResponse } from '../../../src/wireguard/uapi/read-get-response.js';
import { getResponse } from '../../../src/wireguard/uapi/get-response.js';
import { seededBytes, seededEntropy } from '../../support/fakes/seeded-entropy.js';
import { prefixes } from '../../support/pairs/wireguard-pair.js';

const hex = (key: Uint8Array) => Buffer.from(key).toString('hex');

/** The example of wireguard.com/xplatform, plus fields that it omits. */
const EXAMPLE = `private_key=e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a
listen_port=12912
public_key=b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33
preshared_key=188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52
allowed_ip=192.168.4.4/32
endpoint=[abcd:23::33%2]:51820
public_key=58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376
tx_bytes=38333
rx_bytes=2224
allowed_ip=192.168.4.6/32
persistent_keepalive_interval=111
endpoint=182.122.22.19:3233
public_key=662e14fd594556f522604703340351258903b64f35553763f19426ab2a515c58
endpoint=5.152.198.39:51820
last_handshake_time_sec=1764172923
last_handshake_time_nsec=456789012
allowed_ip=192.168.4.10/32
allowed_ip=192.168.4.11/32
tx_bytes=1212111
rx_bytes=1929999999
protocol_version=1
errno=0

`;

it('reads the example of the specification', () => {
  const answer = readGetResponse(EXAMPLE)!;
  expect(hex(answer.privateKey!.expose())).toMatch(/^e84b5a6d.*027a$/);
  expect([answer.listenPort, answer.fwmark]).toEqual([12_912, 0]);
  const silent = { latestHandshakeUnix: undefined, sentBytes: 0, receivedBytes: 0 };
  expect(answer.peers.map(({ publicKey, ...rest }) => [hex(publicKey).slice(0, 8), rest])).toEqual([
    [
      'b85996fe',
      {
        ...silent,
        endpoint: '[abcd:23::33%2]:51820',
        allowedIps: ['192.168.4.4/32'],
        persistentKeepalive: 0,
      },
    ],
    [
      '58402e69',
      {
        ...silent,
        endpoint: '182.122.22.19:3233',
        allowedIps: ['192.168.4.6/32'],
        persistentKeepalive: 111,
        sentBytes: 38_333,
        receivedBytes: 2_224,
      },
    ],
    [
      '662e14fd',
      {
        endpoint: '5.152.198.39:51820',
        allowedIps: ['192.168.4.10/32', '192.168.4.11/32'],
        persistentKeepalive: 0,
        latestHandshakeUnix: 1_764_172_923_456,
        sentBytes: 1_212_111,
        receivedBytes: 1_929_999_999,
      },
    ],
  ]);
});

it('does not print the private key, and drops the pre-shared one', () => {
  const text = JSON.stringify(readGetResponse(EXAMPLE));
  expect(text).not.toMatch(/e84b5a6d|188515/);
});

it('reads the response of the local device', () => {
  const crypto = createNodeCrypto();
  const device = new Device({
    privateKey: seededBytes(50, 32),
    crypto,
    entropy: seededEntropy(50),
    wallClock: { unixMilliseconds: () => 0 },
    mtu: 1420,
    sink: { transmit: () => undefined, deliver: () => undefined },
  });
  device.addPeer(
    {
      publicKey: crypto.publicKey(seededBytes(1, 32)),
      endpoint: { address: '2001:db8::1', port: 7 },
      persistentKeepalive: 25_000,
      allowedIps: prefixes('10.0.0.0/8', 'fd00::/64'),
    },
    0,
  );
  const lines = getResponse(device, { listenPort: 7, fwmark: 9 });
  expect(readGetResponse(`${lines.join('\n')}\nerrno=0\n\n`)).toMatchObject({
    listenPort: 7,
    fwmark: 9,
    peers: [
      {
        publicKey: crypto.publicKey(seededBytes(1, 32)),
        endpoint: '[2001:db8::1]:7',
        latestHandshakeUnix: undefined,
        persistentKeepalive: 25,
        allowedIps: ['10.0.0.0/8', 'fd00::/64'],
      },
    ],
  });
});

it('reads a device without settings', () => {
  expect(readGetResponse('errno=0\n\n')).toEqual({
    privateKey: undefined,
    listenPort: 0,
    fwmark: 0,
    peers: [],
  });
});

it('ignores invalid numbers', () => {
  const answer = readGetResponse('listen_port=-1\nfwmark=many\nunknown=1\nerrno=0\n\n');
  expect(answer).toMatchObject({ listenPort: 0, fwmark: 0 });
});

it.each([
  '',
  '\n\n',
  'listen_port=1\n\n',
  'errno=-22\n\n',
  'hello\nerrno=0\n\n',
  'public_key=1\nerrno=0\n\n',
])('refuses %j', (text) => {
  expect(readGetResponse(text)).toBeUndefined();
});
