/**
 * Kept connections to servers that no one here wrote, over the TCP of Linux: they close an idle
 * connection after a second without announcing it, and requests come at just that moment.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { tcpCounter } from '../support/foreign/kernel-tcp-state.js';
import { REPOSITORY } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { atLength } from '../support/runner/tier.js';
import { inSpace, SERVICE, WireGuardGoServer } from '../support/foreign/wireguard-go-server.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'nft', 'ethtool', 'nginx'] as const;
const OTHER_SERVICE = '100.127.69.43';
const FOREIGN = `${REPOSITORY}test/support/foreign/`;

/** Requests at once. */
const LANES = 50;

/**
 * Why a lost request may fail, because nothing proves that the server has not read it
 * (docs/decisions/0003-keep-upstream-connections.md). Only a slow machine causes any of these.
 */
const ABORTED = 'RST with ACK';
const RETRANSMITTED = 'retransmitted';
const LEGITIMATE = [ABORTED, RETRANSMITTED, 'another segment with the same ACK'];
const EARLIER = /^another segment (\d+) ms earlier, within the RTO of (\d+) ms$/;

/** The largest part of the requests that may fail. */
const MAX_FAILED = 0.25;
/** The same, without failures that a measured time or a counter of Linux explains. */
const MAX_UNEXPLAINED = 0.005;

interface Pass {
  readonly sent: number;
  readonly failures: readonly string[];
  /** The longest time of a request, in ms. */
  readonly longest: number;
}

/** The delay of the relay, in ms, for each direction. */
const DELAY = 25;

describeWith(PEERS, 'kept connections with servers that close them', () => {
  let server: WireGuardGoServer;
  const logOf = (name: string) => join(server.folder, `${name}.log`);

  beforeAll(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    // A request and a FIN that cross each other need time to do so.
    const relay = await server.startRelay('--delay', `${DELAY}`);
    server.writeConfig({ endpoint: `127.0.0.1:${relay}` });
    const add = ['address', 'add', `${OTHER_SERVICE}/32`, 'dev', 'lo'];
    execFileSync('ip', ['-n', server.serverSpace, ...add]);
    const inServerSpace = inSpace(server.serverSpace);
    for (const [port, how] of [
      ['80', 'silent'],
      ['81', 'announced'],
    ] as const) {
      const parameters = [SERVICE, port, logOf(`node-${how}`), how];
      const peer = [process.execPath, `${FOREIGN}short-lived-peer.js`, ...parameters];
      await server.processes.start([...inServerSpace, ...peer]).output(/listening/);
    }
    const config = join(server.folder, 'nginx.conf');
    writeFileSync(config, nginxConfig(server.folder, logOf('nginx')));
    server.processes.start([...inServerSpace, 'nginx', '-e', 'stderr', '-c', config]);
  }, 60_000);
  afterAll(() => server.close());

  it.each([
    // The minimum number of bursts: 10,000 requests in total in the long form.
    ['node-silent', `${SERVICE}:80`, atLength({ short: 8, long: 90 }), LANES / 5],
    ['node-announced', `${SERVICE}:81`, atLength({ short: 4, long: 10 }), 0],
    ['nginx', `${OTHER_SERVICE}:80`, atLength({ short: 8, long: 100 }), LANES / 5],
  ])(
    'neither lose nor double a request: %s',
    async (name, target, rounds, expectedAgain) => {
      const up = await server.up('--forward-to', target, '--log-level', 'debug');
      const again = () => up.process.stderr.match(/sent again: the target closed/g)?.length ?? 0;
      const closes = closesWithUnreadData(server);
      const failures: string[] = [];
      let longest = 0;
      let bursts = 0;
      // Chance decides how many requests meet a closed connection. More bursts follow if too few
      // did.
      do {
        const client = await server.processes.run([
          ...[...inSpace(server.clientSpace), process.execPath, `${FOREIGN}burst-client.js`],
          ...[up.url, `${LANES}`, `${rounds}`, `${bursts}`],
        ]);
        const result = JSON.parse(client.stdout) as Pass;
        expect(result.sent).toBe(LANES * rounds);
        failures.push(...result.failures);
        longest = Math.max(longest, result.longest);
        bursts += rounds;
      } while (again() < expectedAgain && bursts < 10 * rounds);
      up.process.kill('SIGTERM');
      const { stderr } = await up.process.finished;
      const doubts = doubtsIn(stderr);
      const sent = LANES * bursts;
      console.info(`${name}: ${sent} sent, ${again()} again, failed: ${doubts.join(', ') || '-'}`);
      expectLegitimate({ sent, failures, longest }, doubts, closesWithUnreadData(server) - closes);
      const seen = readFileSync(logOf(name), 'utf8').trim().split('\n');
      expect(seen).toHaveLength(sent - failures.length);
      expect(new Set(seen).size).toBe(seen.length);
      // Otherwise, no request has met a closed connection, so the test has not shown anything.
      expect(again()).toBeGreaterThanOrEqual(expectedAgain);
    },
    300_000,
  );
});

/**
 * How often a socket in the server's namespace was closed with unread data, as Linux counts: the
 * request has arrived, but the program has not read it.
 */
function closesWithUnreadData(server: WireGuardGoServer): number {
  return tcpCounter(server.serverSpace, 'TCPAbortOnClose');
}

/** Returns why each lost request was not sent again, from the log of `up`. */
function doubtsIn(log: string): string[] {
  return log
    .split('\n')
    .filter((line) => line.includes('not sent again: '))
    .map((line) => (JSON.parse(line) as { doubt: string }).doubt);
}

/** Each failed request was lost on a kept connection, for a reason that is known and rare. */
function expectLegitimate({ sent, failures, longest }: Pass, doubts: string[], closes: number) {
  expect(failures.filter((failure) => !/: 502 .*reset/s.test(failure))).toEqual([]);
  expect(doubts).toHaveLength(failures.length);
  const byRto = doubts.map((doubt) => EARLIER.exec(doubt)).filter((match) => match !== null);
  for (const [, , rto] of byRto) {
    // The RTO is at most SRTT + 4 RTTVAR (RFC 6298 2), and no round trip takes longer than a request.
    expect(Number(rto)).toBeLessThanOrEqual(5 * longest);
  }
  const others = doubts.filter((doubt) => !EARLIER.test(doubt));
  expect(others.filter((doubt) => !LEGITIMATE.includes(doubt))).toEqual([]);
  // Linux has counted each aborted connection.
  const aborted = others.filter((doubt) => doubt === ABORTED).length;
  expect(aborted).toBeLessThanOrEqual(closes);
  // TCP retransmits after two round trips at the earliest (RFC 8985 7.2).
  const late = failures.filter((failure) => timeOf(failure) >= 4 * DELAY).length;
  const retransmitted = others.filter((doubt) => doubt === RETRANSMITTED).length;
  expect(retransmitted).toBeLessThanOrEqual(late);
  expect(others.length - aborted - retransmitted).toBeLessThanOrEqual(MAX_UNEXPLAINED * sent);
  expect(doubts.length).toBeLessThanOrEqual(MAX_FAILED * sent);
}

/** The ms after which a request failed. */
function timeOf(failure: string): number {
  return Number(/ after (\d+) ms$/.exec(failure)![1]);
}

function nginxConfig(folder: string, log: string): string {
  return `
    daemon off; master_process off; pid ${folder}/nginx.pid;
    events {}
    http {
      log_format path '$request_uri';
      access_log ${log} path;
      client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
      fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
      keepalive_timeout 1s;
      server { listen ${OTHER_SERVICE}:80; location / { return 201; } }
    }`;
}
