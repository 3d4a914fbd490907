/**
 * A new process whose ports meet those of a killed one, at a Linux server that closes connections
 * first: RFC 6191 and RFC 7323 5.2 decide whether TIME-WAIT accepts the SYN.
 */
import { describeWith } from '../support/runner/requirements.js';
import { REPOSITORY } from '../support/processes.js';
import {
  CLIENT_INSIDE,
  inSpace,
  LISTEN_PORT,
  SERVER_OUTSIDE,
  SERVICE,
  WireGuardGoServer,
} from '../support/foreign/wireguard-go-server.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'ethtool'] as const;
const PORTS = Array.from({ length: 100 }, (_, index) => 40_000 + index);

/** Closes each connection after its first byte. */
const CLOSING = `require('node:net')
  .createServer((socket) => socket.on('error', () => undefined).once('data', () => socket.end()))
  .listen(81, '${SERVICE}', () => console.log('listening'));`;

describeWith(PEERS, 'a process that was killed', () => {
  let server: WireGuardGoServer;
  beforeAll(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    const peer = [...inSpace(server.serverSpace), process.execPath, '-e', CLOSING];
    await server.processes.start(peer).output(/listening/);
  }, 60_000);
  afterAll(() => server.close());

  /** The milliseconds of each handshake; -1 for one that failed. */
  async function run(isLasting: boolean): Promise<number[]> {
    const config = server.tunnelConfig() as Record<string, unknown>;
    const setup = {
      privateKey: config['privateKey'],
      publicKey: config['serverPublicKey'],
      endpoint: { address: SERVER_OUTSIDE, port: LISTEN_PORT },
      address: CLIENT_INSIDE,
      service: SERVICE,
      ports: PORTS,
      isLasting,
    };
    const program = `${REPOSITORY}test/support/foreign/fixed-ports-client.js`;
    const command = [...inSpace(server.clientSpace), process.execPath, program];
    const { stdout } = await server.processes.run([...command, JSON.stringify(setup)]);
    return JSON.parse(stdout) as number[];
  }

  it('does not hinder the connections of the next one, from the same ports', async () => {
    const [first, second, third] = [await run(true), await run(true), await run(true)];
    for (const times of [first, second, third]) {
      expect(times).toHaveLength(PORTS.length);
      expect(times).not.toContain(-1);
    }
    // TIME-WAIT takes the SYN at once. A socket that was never closed here answers with an ACK, which
    // is refused with an RST, and the SYN is retransmitted after a second, as Linux does.
    expect(Math.max(...second, ...third)).toBeLessThan(10_000);
  }, 120_000);
});
