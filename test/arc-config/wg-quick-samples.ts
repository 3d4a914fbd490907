/** WireGuard configurations in the usual formats. The keys are not in use. */

export interface SampleKeys {
  readonly privateKey: string;
  readonly serverKey: string;
  /** `host:port` */
  readonly endpoint: string;
  /** IPv4, without a prefix. */
  readonly address: string;
}

export interface WgQuickSample {
  readonly name: string;
  readonly text: (keys: SampleKeys) => string;
  /** The keys of the notes from an import, in order. */
  readonly notes: readonly string[];
}

/** SORACOM's allowed IPs: 100.127.0.0/16 without one address. */
const CIDRS = [
  '100.127.0.0/21',
  '100.127.8.0/23',
  '100.127.10.0/28',
  '100.127.10.17/32',
  '100.127.10.18/31',
  '100.127.10.20/30',
  '100.127.10.24/29',
  '100.127.10.32/27',
  '100.127.10.64/26',
  '100.127.10.128/25',
  '100.127.11.0/24',
  '100.127.12.0/22',
  '100.127.16.0/20',
  '100.127.32.0/19',
  '100.127.64.0/18',
  '100.127.128.0/17',
  '54.250.252.67/32',
];

export const WG_QUICK_SAMPLES: readonly WgQuickSample[] = [
  {
    name: 'the SORACOM user console',
    notes: ['PersistentKeepalive'],
    text: ({ privateKey, serverKey, endpoint, address }) => `[Interface]
PrivateKey = ${privateKey}
Address = ${address}/32

[Peer]
PublicKey = ${serverKey}
AllowedIPs = ${CIDRS.join(', ')}
Endpoint = ${endpoint}
`,
  },
  {
    name: 'soratun wg-config',
    notes: [],
    text: ({ privateKey, serverKey, endpoint, address }) => `[Interface]
Address = ${address}/32
PrivateKey = ${privateKey}
MTU = 1420
PostUp = /usr/bin/logger -t soratun %i up
PostDown = /usr/bin/logger -t soratun %i down

[Peer]
PublicKey = ${serverKey}
AllowedIPs = ${CIDRS.join(', ')}
Endpoint = ${endpoint}
PersistentKeepalive = 60
`,
  },
  {
    name: 'a server’s script, with comments and rules for a firewall',
    notes: ['Address', 'ListenPort', 'PostUp', 'PostDown', 'SaveConfig'],
    text: ({ privateKey, serverKey, endpoint, address }) => `### begin client sensor-1 ###
# made 2026-04-01
[Interface]
Address = ${address}/24   # the office
PrivateKey = ${privateKey}
ListenPort = 51820
PostUp = iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE
PostDown = iptables -D FORWARD -i %i -j ACCEPT; iptables -t nat -D POSTROUTING -o eth0 -j MASQUERADE
SaveConfig = true

# the Arc server
[Peer]
PublicKey = ${serverKey}   # of ap-northeast-1
AllowedIPs = 100.127.0.0/16
Endpoint = ${endpoint}
PersistentKeepalive = 25
### end client sensor-1 ###
`,
  },
  {
    name: 'the Android app',
    notes: ['DNS', 'ExcludedApplications', 'PersistentKeepalive'],
    text: ({ privateKey, serverKey, endpoint, address }) => `[Interface]
Address = ${address}/32
DNS = 100.127.0.53, 100.127.1.53
ExcludedApplications = com.example.music, com.example.maps
MTU = 1380
PrivateKey = ${privateKey}

[Peer]
AllowedIPs = 100.127.0.0/16, 54.250.252.67/32
Endpoint = ${endpoint}
PublicKey = ${serverKey}
`,
  },
  {
    name: 'the iOS app, with a second address',
    notes: ['Address', 'DNS'],
    text: ({ privateKey, serverKey, endpoint, address }) => `[Interface]
PrivateKey = ${privateKey}
Address = fd00:a:c::2/128, ${address}/32
DNS = 100.127.0.53, soracom.internal
MTU = 1280

[Peer]
PublicKey = ${serverKey}
AllowedIPs = 100.127.0.0/16, ::/0
Endpoint = ${endpoint}
PersistentKeepalive = 25
`,
  },
  {
    name: 'a file of Windows: a byte order mark, CRLF, no end of the last line',
    notes: ['DNS'],
    text: ({ privateKey, serverKey, endpoint, address }) =>
      [
        '\ufeff[Interface]',
        `PrivateKey = ${privateKey}`,
        `Address = ${address}/32`,
        'DNS = 100.127.0.53',
        '',
        '[Peer]',
        `PublicKey = ${serverKey}`,
        'AllowedIPs = 100.127.0.0/16',
        `Endpoint = ${endpoint}`,
        'PersistentKeepalive = 60',
      ].join('\r\n'),
  },
  {
    name: 'one typed by hand: small letters, no spaces, repeated keys, no prefixes',
    notes: ['mtu'],
    text: ({ privateKey, serverKey, endpoint, address }) => `; arc
[peer]
endpoint=${endpoint}
publickey=${serverKey}
allowedips=100.127.0.0/17
allowedips=100.127.128.0/17,54.250.252.67
allowedips=
persistentkeepalive=30

[interface]
mtu=1400
address=${address}
privatekey=${privateKey}
mtu=1420
`,
  },
  {
    name: 'wg-quick with a table of its own, commands of all four kinds and quotes',
    notes: ['FwMark', 'Table', 'PostUp', 'PersistentKeepalive'],
    text: ({ privateKey, serverKey, endpoint, address }) => `[Interface]
PrivateKey = ${privateKey}
Address = ${address}/32
FwMark = 0xca6c
Table = off
PreUp = /usr/local/bin/check
PostUp = ip rule add from ${address} table 200
PostUp = logger "tunnel %i is up"
PostUp = wg set %i peer $(cat /etc/wireguard/peer)
PreDown = /usr/local/bin/farewell
PostDown = ip rule delete from ${address} table 200

[Peer]
PublicKey = ${serverKey}
PresharedKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
AllowedIPs = 0.0.0.0/0
Endpoint = ${endpoint}
PersistentKeepalive = off
`,
  },
];
