import { tunnelDifferences } from '../../../src/app/session/running-config.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import { parseTunnelConfig, type TunnelConfigText } from '../../../src/tunnel/tunnel-config.js';

const TEXT: TunnelConfigText = {
  privateKey: new Secret(new Uint8Array(32).fill(1)),
  serverPublicKey: new Uint8Array(32).fill(2),
  endpoint: { host: 'link.arc.soracom.io', port: 11010 },
  address: '10.0.0.2',
  allowedIps: ['100.127.0.0/16', '192.0.2.0/24'],
  mtu: 1420,
  persistentKeepaliveSeconds: 60,
};
const config = (changes: Partial<TunnelConfigText> = {}) =>
  parseTunnelConfig({ ...TEXT, ...changes });

it.each<[string[], Partial<TunnelConfigText>]>([
  [[], {}],
  [['private key'], { privateKey: new Secret(new Uint8Array(32).fill(3)) }],
  [['server key'], { serverPublicKey: new Uint8Array(32).fill(3) }],
  [['endpoint'], { endpoint: { host: 'beck.arc.soracom.io', port: 11010 } }],
  [['endpoint'], { endpoint: { host: 'link.arc.soracom.io', port: 11011 } }],
  [[], { endpoint: { host: 'LINK.arc.soracom.io', port: 11010 } }],
  [['address'], { address: '10.0.0.3' }],
  [['allowed IPs'], { allowedIps: ['100.127.0.0/16'] }],
  [['allowed IPs'], { allowedIps: ['100.127.0.0/17', '192.0.2.0/24'] }],
  [[], { allowedIps: ['192.0.2.0/24', '100.127.0.0/16', '192.0.2.0/24'] }],
  [['keepalive'], { persistentKeepaliveSeconds: 0 }],
  // It cannot change while the tunnel is open.
  [[], { mtu: 1280 }],
  [['address', 'keepalive'], { address: '10.0.0.3', persistentKeepaliveSeconds: 1 }],
])('an open tunnel applies %j', (names, changes) => {
  expect(tunnelDifferences(config(), config(changes))).toEqual(names);
});
