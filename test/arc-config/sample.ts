/** An arc.json as soratun writes it after a bootstrap. The keys are not in use. */
export const PRIVATE_KEY = 'IBEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7n8=';
export const PUBLIC_KEY = 'AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=';
export const SERVER_KEY = 'ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=';
export const ZERO_KEY = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';

export const SAMPLE = `{
  "privateKey": "${PRIVATE_KEY}",
  "publicKey": "${PUBLIC_KEY}",
  "simId": "8942310022000012345",
  "logLevel": 2,
  "enableMetrics": true,
  "interface": "soratun0",
  "additionalAllowedIPs": [
    "10.128.0.0/9"
  ],
  "mtu": 1380,
  "persistentKeepalive": 25,
  "postUp": [
    [
      "/bin/echo",
      "%i is up"
    ]
  ],
  "postDown": [
    [
      "/bin/true"
    ]
  ],
  "profile": {
    "authKey": "secret-abcdefgh",
    "authKeyId": "keyId-abcdefgh",
    "endpoint": "https://api.soracom.io"
  },
  "arcSessionStatus": {
    "arcServerPeerPublicKey": "${SERVER_KEY}",
    "arcServerEndpoint": "link.arc.soracom.io:11010",
    "arcAllowedIPs": [
      "100.127.0.0/21",
      "54.250.252.67/32"
    ],
    "arcClientPeerIpAddress": "10.0.0.2"
  }
}
`;

/** The sample with one of its top-level fields replaced. */
export function sampleWith(changes: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ ...(JSON.parse(SAMPLE) as object), ...changes });
}

/** The sample with one field of its session replaced. */
export function sampleWithSession(changes: Readonly<Record<string, unknown>>): string {
  const { arcSessionStatus } = JSON.parse(SAMPLE) as { arcSessionStatus: object };
  return sampleWith({ arcSessionStatus: { ...arcSessionStatus, ...changes } });
}
