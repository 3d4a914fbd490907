import type { SpoolStatus } from '../../../src/app/spool/forwarder-spool.js';
import type { StatusReport } from '../../../src/app/status/status-report.js';
import type { ConnectionStatus } from '../../../src/proxy/status/connection-list.js';
import type { ForwardStatus } from '../../../src/proxy/port-forward/forward-counters.js';
import type { PeerStatus, TrafficStatus, TunnelStatus } from '../../../src/tunnel/tunnel-status.js';

export const PEER_STATUS: PeerStatus = {
  publicKey: '/CqT6nYwlNXkTTjv7Xt2ZR1eAHC4Y6bA4DkOwZBRg2k=',
  endpoint: '192.0.2.1:11010',
  allowedIps: ['100.127.0.0/16', '10.21.0.0/16'],
  persistentKeepalive: 60,
  latestHandshakeUnix: Date.UTC(2026, 10, 26, 1, 2, 3, 456),
  sentBytes: 1_480,
  receivedBytes: 920,
  roundTrip: 12.3456,
  lossIn: 0.025,
};

export const TUNNEL_STATUS: TunnelStatus = {
  mode: 'userspace',
  interface: '',
  publicKey: 'HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=',
  listenPort: 40_001,
  fwmark: 0,
  mtu: 1420,
  addresses: ['10.0.0.2'],
  health: 'up',
  silence: undefined,
  unanswered: undefined,
  unreturnedFor: undefined,
  rival: undefined,
  openedUnix: Date.UTC(2026, 10, 26, 1, 0, 0),
  peers: [PEER_STATUS],
  connections: 3,
};

export const FORWARDS: readonly ForwardStatus[] = [
  {
    ...({
      kind: 'local',
      protocol: 'tcp',
      listen: '127.0.0.1:8080',
      target: 'web.test:80',
    } as const),
    ...{ connections: 3, active: 2, failures: 1, dropped: 0, sentBytes: 10, receivedBytes: 20 },
  },
  {
    ...({ kind: 'remote', protocol: 'udp', listen: '53', target: '127.0.0.1:5353' } as const),
    ...{ connections: 9, active: 5, failures: 0, dropped: 4, sentBytes: 30, receivedBytes: 40 },
  },
];

export const TRAFFIC: TrafficStatus = {
  sent: { datagrams: 14, bytes: 1_872, keepaliveBytes: 120, handshakeBytes: 352 },
  received: { datagrams: 9, bytes: 1_172, keepaliveBytes: 60, handshakeBytes: 120 },
  retransmittedBytes: 372,
  today: { period: '2026-11-26', sentBytes: 5_000, receivedBytes: 6_000 },
  month: { period: '2026-11', sentBytes: 70_000, receivedBytes: 80_000 },
};

export const SPOOL: SpoolStatus = {
  folder: 'outbox',
  queued: 3,
  sending: 1,
  unknown: 2,
  refused: 0,
};

/** The budget of a day is used up, that of the month is not. */
export const BUDGET: NonNullable<TrafficStatus['budget']> = [
  {
    ...({ per: 'day', period: '2026-11-26', bytes: 10_000, usedBytes: 11_000 } as const),
    endsUnix: Date.UTC(2026, 10, 27),
  },
  {
    ...({ per: 'month', period: '2026-11', bytes: 180_000, usedBytes: 150_000 } as const),
    endsUnix: Date.UTC(2026, 11, 1),
  },
];

export const CONNECTIONS: readonly ConnectionStatus[] = [
  {
    ...{ opener: 'proxy', target: 'web.test:443', age: 65_432 },
    ...{ sentBytes: 90, receivedBytes: 2_000_000 },
  },
];

export const REPORT: StatusReport = {
  ...TUNNEL_STATUS,
  name: 'soratun0',
  version: '0.1.0',
  pid: 4711,
  simId: '8942310022000012345',
  uapiName: undefined,
  listeners: { forward: 'http://127.0.0.1:8888', proxy: '127.0.0.1:1080' },
};

/** The status of a tunnel that has not completed a handshake. */
export const CONNECTING: Partial<StatusReport> = {
  health: 'connecting',
  silence: { reason: 'no-answer', why: '192.0.2.1:11010 has not answered 3 handshake initiations' },
  peers: [
    {
      ...PEER_STATUS,
      latestHandshakeUnix: undefined,
      receivedBytes: 0,
      roundTrip: undefined,
      lossIn: undefined,
    },
  ],
};
