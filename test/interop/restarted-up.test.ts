/**
 * `arctun up`, killed and started again between POSTs, with a Linux server that closes each
 * connection first: its TIME-WAIT sockets meet the new process (RFC 6191).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { REPOSITORY } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { atLength } from '../support/runner/tier.js';
import { inSpace, SERVICE, WireGuardGoServer } from '../support/foreign/wireguard-go-server.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'ethtool'] as const;
const LANES = 32;
const COUNT = atLength({ short: 500, long: 6_000 });
const RESTARTS = atLength({ short: 1, long: 5 });

/** A SYN that TIME-WAIT refuses is repeated for 20 s; a busy machine does not take this long. */
const LONGEST = 10_000;

/** Writes the path of each POST into a file, and closes each connection after its response. */
const CLOSING = `
  const { createServer } = require('node:http');
  const { createWriteStream } = require('node:fs');
  const log = createWriteStream(process.argv[1]);
  createServer((request, response) => {
    log.write(request.url + '\\n');
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

  async function post(name: string): Promise<void> {
    const up = await server.up('--forward-to', `${SERVICE}:80`);
    const client = await server.processes.run([
      ...[...inSpace(server.clientSpace), process.execPath],
      ...[`${REPOSITORY}test/support/foreign/steady-client.js`, up.url],
      ...[`${LANES}`, `${COUNT}`, name],
    ]);
    const result = JSON.parse(client.stdout) as { readonly longest: number };
    expect(result).toMatchObject({ sent: COUNT, failures: [] });
    expect(result.longest).toBeLessThan(LONGEST);
    console.info(`${name}: longest of ${COUNT}: ${result.longest} ms`);
    up.process.kill('SIGKILL');
    await up.process.finished;
  }

  it(
    'arrive once each, and none is slow',
    async () => {
      for (let round = 0; round <= RESTARTS; round++) await post(`round${round}`);
      const paths = readFileSync(received, 'utf8').trim().split('\n');
      expect(new Set(paths).size).toBe(COUNT * (RESTARTS + 1));
      expect(paths).toHaveLength(COUNT * (RESTARTS + 1));
    },
    atLength({ short: 120_000, long: 900_000 }),
  );
});
