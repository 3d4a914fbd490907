import { pageView, viewWithout } from '../../../../src/app/status/page/page-view.js';
import type { StatusReport } from '../../../../src/app/status/status-report.js';
import {
  BUDGET,
  CONNECTING,
  CONNECTIONS,
  FORWARDS,
  REPORT,
  SPOOL,
  TRAFFIC,
} from '../../../support/fakes/status-report.js';

const MOMENT = { now: 7_000, unix: Date.UTC(2026, 10, 26, 1, 2, 5) };

const view = (change: Partial<StatusReport> = {}) => pageView({ ...REPORT, ...change }, MOMENT);

it('shows how many messages the spool has', () => {
  expect(view({ spool: SPOOL }).facts).toContainEqual([
    'Spool',
    '3 queued, 1 sending, 2 unknown (outbox)',
  ]);
});

it('shows the state, and the facts as texts', () => {
  expect(view()).toEqual({
    name: 'soratun0',
    state: 'up',
    headline: 'The tunnel is up',
    reason: '',
    facts: [
      ['SIM', '8942310022000012345'],
      ['Addresses', '10.0.0.2'],
      ['Arc server', '192.0.2.1:11010'],
      ['Last handshake', '2026-11-26T01:02:03Z, 1 s ago'],
      ['Round trip', '12.3 ms'],
      ['Open connections', '3'],
      ['Mode', 'userspace'],
      ['Open since', '2026-11-26T01:00:00Z, 2 min 5 s ago'],
      ['Process', '4711, arctun 0.1.0'],
    ],
    tables: {
      traffic: [],
      listeners: [
        ['Forwarder', 'http://127.0.0.1:8888'],
        ['SOCKS and HTTP proxy', '127.0.0.1:1080'],
      ],
      forwards: [],
      connections: [],
    },
    totals: { tunnel: `4711 ${REPORT.openedUnix}`, at: 7_000, received: 920, sent: 1_480 },
  });
});

it('shows the traffic budget, and that it is used up', () => {
  const { reason, facts } = view({ traffic: { ...TRAFFIC, budget: BUDGET } });
  expect(reason).toContain('the traffic budget of 10.0 kB per day is used up');
  expect(facts.filter(([name]) => name!.startsWith('Budget'))).toEqual([
    ['Budget per day', '11.0 kB of 10.0 kB used (110 %), resets at 2026-11-27T00:00:00Z'],
    ['Budget per month', '150.0 kB of 180.0 kB used (83 %), resets at 2026-12-01T00:00:00Z'],
  ]);
});

it('shows why the tunnel is silent, as `status` does', () => {
  const { state, headline, reason, facts } = view(CONNECTING);
  expect([state, headline]).toEqual(['connecting', 'The tunnel is connecting']);
  expect(reason).toBe('192.0.2.1:11010 has not answered 3 handshake initiations');
  expect(facts).toContainEqual(['Last handshake', 'none yet']);
  expect(facts.map(([name]) => name)).not.toContain('Round trip');
  const stale = view({ health: 'stale', silence: { reason: 'no-answer', why: 'it is silent' } });
  expect(stale).toMatchObject({ headline: 'The tunnel is silent', reason: 'it is silent' });
});

it('shows a rival, which does not change the state', () => {
  expect(view({ rival: { why: 'it takes the session', lastSeenUnix: 1 } })).toMatchObject({
    state: 'up',
    reason: 'another tunnel is using this virtual SIM: it takes the session',
  });
});

it('shows the traffic, and computes rates from it', () => {
  const { tables, totals } = view({ traffic: TRAFFIC });
  expect(tables.traffic).toEqual([
    ['Since the tunnel was opened', '1.2 kB', '1.9 kB'],
    ['of which keepalives', '60 B', '120 B'],
    ['of which handshakes', '120 B', '352 B'],
    ['of which TCP retransmissions', '', '372 B'],
    ['Today (2026-11-26, UTC)', '6.0 kB', '5.0 kB'],
    ['This month (2026-11, UTC)', '80.0 kB', '70.0 kB'],
  ]);
  expect(totals).toMatchObject({ received: 1_172, sent: 1_872 });
  const { sent, received } = TRAFFIC;
  expect(view({ traffic: { sent, received } }).tables.traffic).toHaveLength(3);
});

it('shows connections, forwards and listeners', () => {
  const listeners = {
    ...{ proxy: 'unix:/run/proxy', proxyHasPassword: true, dns: '127.0.0.1:5353' },
    ...{ status: 'http://127.0.0.1:9100', forwards: FORWARDS },
  };
  expect(view({ listeners, openConnections: CONNECTIONS }).tables).toMatchObject({
    listeners: [
      ['SOCKS and HTTP proxy', 'unix:/run/proxy (with a password)'],
      ['DNS', '127.0.0.1:5353'],
      ['Status pages', 'http://127.0.0.1:9100'],
    ],
    forwards: [
      ['local, TCP', '127.0.0.1:8080', 'web.test:80', '2', '3', '1', '', '20 B', '10 B'],
      ['remote, UDP', '53', '127.0.0.1:5353', '5', '9', '0', '4', '40 B', '30 B'],
    ],
    connections: [['proxy', 'web.test:443', '1 min 5 s', '2.0 MB', '90 B']],
  });
});

it('names the interface', () => {
  expect(view({ mode: 'tun', interface: 'soratun0', connections: undefined }).facts).toEqual(
    expect.arrayContaining([['Mode', 'tun, interface soratun0']]),
  );
});

it('has a view without a status', () => {
  expect(viewWithout('soratun0', 'the tunnel is not open yet')).toMatchObject({
    ...{ name: 'soratun0', state: 'unknown', reason: 'the tunnel is not open yet' },
    ...{ facts: [], totals: undefined },
  });
});
