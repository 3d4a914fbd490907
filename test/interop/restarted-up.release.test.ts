/**
 * `arctun up`, killed and started again between POSTs, with a Linux server that closes each
 * connection first: its TIME-WAIT sockets meet the new process (RFC 6191). Each process chooses the
 * same ports, so that all connections of a restarted one meet them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { refusedByTimeWait, untilTimeWait } from '../support/foreign/kernel-tcp-state.js';
import { ARCTUN, REPOSITORY, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { atLength } from '../support/runner/tier.js';
import { inSpace, SERVICE, WireGuardGoServer } from '../support/foreign/wireguard-go-server.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'ethtool'] as const;
const LANES = 32;
const COUNT = atLength({ short: 500, long: 6_000 });
const RESTARTS = atLength({ short: 2, long: 5 });
const FOREIGN = `${REPOSITORY}test/support/foreign/`;

/**
 * The number of POSTs that may be slower than before the first restart, because the machine is busy:
 * one pause delays all lanes. A SYN that TIME-WAIT refuses is retransmitted after a second.
 */
const MAX_SLOW = Math.max(LANES, COUNT / 100);

/**
 * Writes the path and the client's port of each POST into a file, and closes each connection after its
 * response.
 */
const CLOSING = `
  const { createServer } = require('node:http');
  const { createWriteStream } = require('node:fs');
  const log = createWriteStream(process.argv[1]);
  createServer((request, response) => {
    log.write(request.url + ' ' + request.socket.remotePort + '\\n');
    request.resume().on('end', () => response.writeHead(201, { Connection: 'close' }).end());
  }).listen(80, '${SERVICE}', () => console.log('listening'));`;

describeWith(PEERS, 'POSTs before and after a restart', () => {
  let server: WireGuardGoServer;
  let received: string;

  beforeAll(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    received = join(server.folder, 'received');
    const peer = [...inSpace(server.serverSpace), process.execPath, '-e', CLOSING, received];
    await server.processes.start(peer).output(/listening/);
  }, 60_000);
  afterAll(() => server.close());

  async function startUp(): Promise<{ process: TestProcess; url: string }> {
    const parameters = ['--forward-listen', '127.0.0.1:0', '--forward-to', `${SERVICE}:80`];
    const up = server.processes.start([
      ...[...inSpace(server.clientSpace), process.execPath, '--import', `${FOREIGN}same-ports.js`],
      ...[ARCTUN, 'up', '--json', ...parameters, '--config', server.configPath],
    ]);
    const [, url] = await up.output(/"forward":"(http:[^"]+)"/);
    return { process: up, url: url! };
  }

  /** Returns the number of slow POSTs. */
  async function post(name: string): Promise<number> {
    const up = await startUp();
    const client = await server.processes.run([
      ...[...inSpace(server.clientSpace), process.execPath, `${FOREIGN}steady-client.js`],
      ...[up.url, `${LANES}`, `${COUNT}`, name],
    ]);
    const result = JSON.parse(client.stdout) as { longest: number; slow: number };
    expect(result).toMatchObject({ sent: COUNT, failures: [] });
    console.info(`${name}: ${result.slow} slow of ${COUNT}, longest ${result.longest} ms`);
    // A connection that up has not closed yet is not in TIME-WAIT, and delays the next process, as
    // with Linux.
    const waiting = await untilTimeWait(server.serverSpace, 80);
    // Otherwise, the next process has few to meet. TIME-WAIT ends after 60 s.
    expect(waiting).toBeGreaterThan(COUNT / 2);
    up.process.kill('SIGKILL');
    await up.process.finished;
    return result.slow;
  }

  /** Returns the paths of all requests, and the number of connections from a port used before. */
  function requests(): { paths: string[]; reused: number } {
    const lines = readFileSync(received, 'utf8').trim().split('\n');
    const ports = new Set(lines.map((line) => line.split(' ')[1]!));
    return { paths: lines.map((line) => line.split(' ')[0]!), reused: lines.length - ports.size };
  }

  it(
    'arrive once each, and none is slow',
    async () => {
      const slow = [await post('round0')];
      const refused = refusedByTimeWait(server.serverSpace);
      for (let round = 1; round <= RESTARTS; round++) slow.push(await post(`round${round}`));
      const { paths, reused } = requests();
      expect(new Set(paths).size).toBe(COUNT * (RESTARTS + 1));
      expect(paths).toHaveLength(COUNT * (RESTARTS + 1));
      // Otherwise, few connections have met a TIME-WAIT socket.
      expect(reused).toBeGreaterThan(0.9 * COUNT * RESTARTS);
      expect(refusedByTimeWait(server.serverSpace) - refused).toBe(0);
      expect(Math.max(...slow.slice(1)) - slow[0]!).toBeLessThanOrEqual(MAX_SLOW);
    },
    atLength({ short: 120_000, long: 900_000 }),
  );
});
