/**
 * Kept connections to servers that no one here wrote, over the TCP of Linux: they close an idle
 * connection after a second without announcing it, and requests come at just that moment.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { tcpCounter } from '../support/foreign/kernel-tcp-state.js';
import { REPOSITORY, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { atLength } from '../support/runner/tier.js';
import { inSpace, SERVICE, WireGuardGoServer } from '../support/foreign/wireguard-go-server.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'nft', 'ethtool', 'nginx'] as const;

/** The ports of the servers, on all addresses. */
const PORTS = { 'node-silent': 80, 'node-announced': 81, nginx: 82 };
/** Includes the addresses to which burst-client.js sends requests through a proxy. */
const SERVICES = '100.127.128.0/17';

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

/** After this many bursts, at least one has met a closed connection (all but one in 10^5 times). */
const ROUNDS_TO_LEARN = 10;

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
    const add = ['route', 'add', 'local', SERVICES, 'dev', 'lo'];
    execFileSync('ip', ['-n', server.serverSpace, ...add]);
    const inServerSpace = inSpace(server.serverSpace);
    for (const how of ['silent', 'announced'] as const) {
      const name = `node-${how}` as const;
      const parameters = ['0.0.0.0', String(PORTS[name]), logOf(name), how];
      const peer = [process.execPath, `${FOREIGN}short-lived-peer.js`, ...parameters];
      await server.processes.start([...inServerSpace, ...peer]).output(/listening/);
    }
    const config = join(server.folder, 'nginx.conf');
    writeFileSync(config, nginxConfig(server.folder, logOf('nginx')));
    server.processes.start([...inServerSpace, 'nginx', '-e', 'stderr', '-c', config]);
  }, 60_000);
  afterAll(() => server.close());

  // Each target gets two bursts, because `up` learns how long it keeps connections.
  it.each([
    // The minimum number of bursts: 10,000 requests in total in the long form.
    ['node-silent', atLength({ short: 8, long: 90 }), LANES / 5],
    ['node-announced', atLength({ short: 4, long: 10 }), 0],
    ['nginx', atLength({ short: 8, long: 100 }), LANES / 5],
  ] as const)(
    'neither lose nor double a request: %s',
    async (name, rounds, expectedAgain) => {
      const bursts = await Bursts.start(server, logOf(name));
      // Chance decides how many requests meet a closed connection. More bursts follow if too few
      // did.
      do {
        await bursts.send(rounds, PORTS[name]);
      } while (bursts.again < expectedAgain && bursts.rounds < 10 * rounds);
      await bursts.end(name);
      // Otherwise, no request has met a closed connection, so the test has not shown anything.
      expect(bursts.again).toBeGreaterThanOrEqual(expectedAgain);
    },
    300_000,
  );

  it.each(['node-silent', 'nginx'] as const)(
    'meet no request that follows their first closed connections: %s',
    async (name) => {
      const target = ['--forward-to', `${SERVICE}:${PORTS[name]}`];
      const bursts = await Bursts.start(server, logOf(name), ...target);
      await bursts.send(ROUNDS_TO_LEARN);
      const { again, failures } = bursts;
      await bursts.send(atLength({ short: 10, long: 90 }));
      expect([bursts.again, bursts.failures]).toEqual([again, failures]);
      await bursts.end(name);
    },
    300_000,
  );
});

/** Bursts of requests through one `up`, and their failures. */
class Bursts {
  readonly #server: WireGuardGoServer;
  readonly #up: TestProcess;
  readonly #url: string;
  readonly #logPath: string;
  /** What the server has counted before. */
  readonly #before: { readonly seen: number; readonly closes: number };
  rounds = 0;
  failures: readonly string[] = [];
  /** The longest time of a request, in ms. */
  longest = 0;

  private constructor(server: WireGuardGoServer, up: TestProcess, url: string, logPath: string) {
    this.#server = server;
    this.#up = up;
    this.#url = url;
    this.#logPath = logPath;
    this.#before = { seen: pathsIn(logPath).length, closes: closesWithUnreadData(server) };
  }

  /** @param logPath the file in which the server writes the path of each request */
  static async start(server: WireGuardGoServer, logPath: string, ...parameters: string[]) {
    const proxy = ['--proxy-listen', '127.0.0.1:0'];
    const { process, url } = await server.up('--log-level', 'debug', ...proxy, ...parameters);
    return new Bursts(server, process, url, logPath);
  }

  /** How many requests were sent again. */
  get again(): number {
    return this.#up.stderr.match(/sent again: the target closed/g)?.length ?? 0;
  }

  /** @param port of the targets, through the HTTP proxy; undefined: through the forwarder */
  async send(rounds: number, port?: number): Promise<void> {
    const [, proxy] = await this.#up.output(/"proxy":"([^"]+)"/);
    const url = port === undefined ? this.#url : `http://${proxy}`;
    const client = await this.#server.processes.run([
      ...[...inSpace(this.#server.clientSpace), process.execPath, `${FOREIGN}burst-client.js`],
      ...[url, `${LANES}`, `${rounds}`, `${this.rounds}`],
      ...(port === undefined ? [] : [`${port}`]),
    ]);
    const { sent, failures, longest } = JSON.parse(client.stdout) as Pass;
    expect(sent).toBe(LANES * rounds);
    this.rounds += rounds;
    this.failures = [...this.failures, ...failures];
    this.longest = Math.max(this.longest, longest);
  }

  /** Stops `up`, and checks that the server has read each request once, except those that failed. */
  async end(name: string): Promise<void> {
    this.#up.kill('SIGTERM');
    const { stderr } = await this.#up.finished;
    const doubts = doubtsIn(stderr);
    const { failures, longest } = this;
    const sent = LANES * this.rounds;
    const failed = doubts.join(', ') || '-';
    console.info(`${name}: ${sent} sent, ${this.again} again, failed: ${failed}`);
    const closes = closesWithUnreadData(this.#server) - this.#before.closes;
    expectLegitimate({ sent, failures, longest }, doubts, closes);
    const seen = pathsIn(this.#logPath).slice(this.#before.seen);
    expect(seen).toHaveLength(sent - failures.length);
    expect(new Set(seen).size).toBe(seen.length);
  }
}

function pathsIn(logPath: string): string[] {
  const text = existsSync(logPath) ? readFileSync(logPath, 'utf8') : '';
  return text.split('\n').filter((line) => line !== '');
}

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
      server { listen ${PORTS.nginx}; location / { return 201; } }
    }`;
}
