import type { ShownStatus } from '../../../src/app/status/show-status.js';
import { renderStatus } from '../../../src/cli/output/status-text.js';
import { TransferRates } from '../../../src/cli/output/transfer-rates.js';
import {
  BUDGET,
  CONNECTING,
  FORWARDS,
  PEER_STATUS,
  REPORT,
  SPOOL,
  TRAFFIC,
} from '../../support/fakes/status-report.js';

const NOTHING: ShownStatus = { tunnels: [], silent: [], devices: [], notes: [] };
const NOW = PEER_STATUS.latestHandshakeUnix! + 12_900;
const KEY = 'HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=';
const PEER = '/CqT6nYwlNXkTTjv7Xt2ZR1eAHC4Y6bA4DkOwZBRg2k=';

function render(shown: Partial<ShownStatus>): string {
  return renderStatus({ ...NOTHING, ...shown }, { now: NOW });
}

it('prints soratun’s message if there is no device', () => {
  expect(render({})).toBe('no SORACOM Arc device found\n');
});

it('prints no additional line if a tunnel does not answer', () => {
  const silent = [{ name: 'a', path: '/a', why: 'it hangs', isDenied: false }];
  expect(render({ silent })).toBe('');
});

it('shows soratun’s lines, and then arctun’s', () => {
  expect(render({ tunnels: [REPORT] })).toBe(`interface: soratun0 (userspace)
  public key: ${KEY}
  private key: (hidden)
  listening port: 40001
  mode: userspace
  health: up
  sim: 8942310022000012345
  address: 10.0.0.2
  forwarder: http://127.0.0.1:8888
  proxy: 127.0.0.1:1080
  connections: 3
  open since: 2026-11-26T01:00:00Z
  process: 4711, arctun 0.1.0

peer: ${PEER}
  endpoint: 192.0.2.1:11010
  allowed ips: 100.127.0.0/16, 10.21.0.0/16
  latest handshake: 2026-11-26 01:02:03.456 +0000 UTC
  transfer: 920 B received, 1480 B sent
  handshake age: 12 s
  round trip: 12.3 ms
  inbound loss: 2.5 %

`);
});

it('shows how many messages the spool has, without states that no message has', () => {
  expect(render({ tunnels: [{ ...REPORT, spool: SPOOL }] })).toContain(
    '\n  spool: 3 queued, 1 sending, 2 unknown (outbox)\n',
  );
  const none = { folder: 'outbox', queued: 0, sending: 0, unknown: 0, refused: 0 };
  expect(render({ tunnels: [{ ...REPORT, spool: none }] })).toContain(
    '  spool: 0 queued (outbox)\n',
  );
});

it('omits unknown values, and shows why nothing arrives', () => {
  const tun = { mode: 'tun', interface: 'soratun0', simId: '', connections: undefined } as const;
  const listeners = { status: 'http://127.0.0.1:9100' };
  const peers = [{ ...CONNECTING.peers![0]!, endpoint: undefined }];
  expect(render({ tunnels: [{ ...REPORT, ...CONNECTING, ...tun, listeners, peers }] })).toBe(
    `interface: soratun0 (tun)
  public key: ${KEY}
  private key: (hidden)
  listening port: 40001
  mode: tun
  health: connecting: 192.0.2.1:11010 has not answered 3 handshake initiations
  address: 10.0.0.2
  status pages: http://127.0.0.1:9100
  open since: 2026-11-26T01:00:00Z
  process: 4711, arctun 0.1.0

peer: ${PEER}
  endpoint: <nil>
  allowed ips: 100.127.0.0/16, 10.21.0.0/16
  latest handshake: 0001-01-01 00:00:00 +0000 UTC
  transfer: 0 B received, 1480 B sent

`,
  );
});

it('shows other devices as soratun does, after arctun’s', () => {
  const device = { publicKey: undefined, listenPort: 51_820, fwmark: 0, peers: [PEER_STATUS] };
  const text = render({
    tunnels: [REPORT],
    devices: [{ ...device, name: 'wg0', type: 'Linux kernel' }],
  });
  expect(text.slice(text.indexOf('interface: wg0'))).toBe(`interface: wg0 (Linux kernel)
  public key: (none)
  private key: (hidden)
  listening port: 51820

peer: ${PEER}
  endpoint: 192.0.2.1:11010
  allowed ips: 100.127.0.0/16, 10.21.0.0/16
  latest handshake: 2026-11-26 01:02:03.456 +0000 UTC
  transfer: 920 B received, 1480 B sent

`);
  expect(text.indexOf('interface: soratun0')).toBe(0);
});

it('shows rates with --watch', () => {
  const rates = new TransferRates();
  rates.look([{ ...REPORT, peers: [{ ...PEER_STATUS, sentBytes: 480, receivedBytes: 0 }] }], 0);
  rates.look([REPORT], 2_000);
  const text = renderStatus({ ...NOTHING, tunnels: [REPORT] }, { now: NOW, rates });
  expect(text).toContain('sent\n  rate: 460 B/s received, 500 B/s sent\n  handshake age:');
});

it('escapes texts from outside', () => {
  const text = render({ tunnels: [{ ...REPORT, simId: '\x1b[2J' }] });
  expect(text).toContain('sim: \u{FFFD}[2J');
});

it('shows each port forward with its counters', () => {
  const listeners = { forwards: FORWARDS };
  const text = render({ tunnels: [{ ...REPORT, listeners }] });
  expect(text).toContain(
    '  port forward: -L 127.0.0.1:8080 -> web.test:80: 2 open, 3 total, 1 failed; 20 B received, 10 B sent\n' +
      '  port forward: -R 53 -> 127.0.0.1:5353 (udp): 5 open, 9 total, 0 failed, 4 dropped; 40 B received, 30 B sent\n',
  );
});

it('shows the traffic outside the tunnel, and its parts', () => {
  const text = render({ tunnels: [{ ...REPORT, traffic: TRAFFIC }] });
  expect(text).toContain(
    [
      '',
      '  outer traffic: 1172 B received, 1872 B sent',
      '  of which keepalives: 60 B received, 120 B sent',
      '  of which handshakes: 120 B received, 352 B sent',
      '  of which TCP retransmissions: 372 B sent',
      '  outer traffic today: 6000 B received, 5000 B sent (2026-11-26, UTC)',
      '  outer traffic this month: 80000 B received, 70000 B sent (2026-11, UTC)',
      '',
    ].join('\n'),
  );
});

it('shows the use of each traffic budget', () => {
  const text = render({ tunnels: [{ ...REPORT, traffic: { ...TRAFFIC, budget: BUDGET } }] });
  const lines = text.split('\n').filter((line) => line.startsWith('  budget'));
  expect(lines).toEqual([
    '  budget per day: 11.0 kB of 10.0 kB used (110 %), resets at 2026-11-27T00:00:00Z',
    '  budget per month: 150.0 kB of 180.0 kB used (83 %), resets at 2026-12-01T00:00:00Z',
  ]);
});
