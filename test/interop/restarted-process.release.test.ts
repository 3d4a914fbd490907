/**
 * A new process whose ports meet those of a killed one, at a Linux server that closes connections
 * first: RFC 6191 and RFC 7323 5.2 decide whether TIME-WAIT accepts the SYN.
 */
import { describeWith } from '../support/runner/requirements.js';
import { refusedByTimeWait, untilTimeWait } from '../support/foreign/kernel-tcp-state.js';
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
const CONTROL_PORTS = PORTS.map((port) => port + 1_000);

/** A SYN is retransmitted after 1 s, and again after 3 s (RFC 6298 2.1, 5.5). */
const RETRANSMITTED = 900;
const RETRANSMITTED_TWICE = 2_900;

/** More than a busy machine delays, and far fewer than the half that random timestamps delay. */
const FEW = PORTS.length / 20;

const PORT = 81;

/** Closes each connection after its first byte. */
const CLOSING = `require('node:net')
  .createServer((socket) => socket.on('error', () => undefined).once('data', () => socket.end()))
  .listen(${PORT}, '${SERVICE}', () => console.log('listening'));`;

/**
 * Connects from the ports with the sockets of Linux: sends a byte on each connection, waits for the
 * server's FIN, closes the connection, and prints how long each handshake took, in ms; -1 if it
 * failed.
 */
const linuxClient = (ports: readonly number[]) => `
  const { connect } = require('node:net');
  const exchange = (localPort) => new Promise((resolve) => {
    const began = performance.now();
    let took = -1;
    const socket = connect({ host: '${SERVICE}', port: ${PORT}, localPort });
    socket.on('connect', () => {
      took = Math.round(performance.now() - began);
      socket.resume().write('x');
    });
    socket.on('error', () => undefined).on('close', () => resolve(took));
  });
  Promise.all(${JSON.stringify(ports)}.map(exchange)).then((times) => {
    console.log(JSON.stringify(times));
    process.kill(process.pid, 'SIGKILL');
  });`;

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
  async function run(ports: readonly number[], isLasting: boolean): Promise<number[]> {
    const config = server.tunnelConfig() as Record<string, unknown>;
    const setup = {
      privateKey: config['privateKey'],
      publicKey: config['serverPublicKey'],
      endpoint: { address: SERVER_OUTSIDE, port: LISTEN_PORT },
      address: CLIENT_INSIDE,
      service: SERVICE,
      ports,
      isLasting,
    };
    const program = `${REPOSITORY}test/support/foreign/fixed-ports-client.js`;
    const command = [...inSpace(server.clientSpace), process.execPath, program];
    const { stdout } = await server.processes.run([...command, JSON.stringify(setup)]);
    return JSON.parse(stdout) as number[];
  }

  /**
   * Runs in the server's namespace, because the client's namespace may send only packets of
   * the tunnel.
   */
  async function runLinux(ports: readonly number[]): Promise<number[]> {
    const command = [process.execPath, '-e', linuxClient(ports)];
    const { stdout } = await server.processes.run([...inSpace(server.serverSpace), ...command]);
    return JSON.parse(stdout) as number[];
  }

  /** How much longer each handshake took than the fastest one: a busy machine delays all of them. */
  function delays(times: readonly number[]): number[] {
    const fastest = Math.min(...times.filter((time) => time >= 0));
    return times.map((time) => (time < 0 ? Infinity : time - fastest));
  }

  /** How many handshakes on the ports that the client has closed were delayed or failed. */
  function delayed(times: readonly number[]): number {
    const closed = delays(times).filter((_, index) => index % 2 === 0);
    return closed.filter((delay) => delay >= RETRANSMITTED).length;
  }

  it('does not delay the connections of the next one, if both use the TCP of Linux', async () => {
    // This control does not use arctun. It shows what Linux's TIME-WAIT accepts from Linux.
    const refused = refusedByTimeWait(server.serverSpace);
    expect(await runLinux(PORTS)).not.toContain(-1);
    expect(await untilTimeWait(server.serverSpace, PORT)).toBeGreaterThan(PORTS.length - FEW);
    const second = await runLinux(PORTS);
    expect(second).toHaveLength(PORTS.length);
    expect(second).not.toContain(-1);
    const late = delays(second).filter((delay) => delay >= RETRANSMITTED);
    expect(late.length).toBeLessThanOrEqual(FEW);
    expect(refusedByTimeWait(server.serverSpace) - refused).toBe(0);
  }, 120_000);

  it('delays many connections of the next one, if its timestamps start at random', async () => {
    expect(await run(CONTROL_PORTS, false)).not.toContain(-1);
    const refused = refusedByTimeWait(server.serverSpace);
    const second = await run(CONTROL_PORTS, false);
    // Each of the 50 connections has its own random offset, so half of the timestamps are too old.
    expect(delayed(second)).toBeGreaterThan(2 * FEW);
    expect(refusedByTimeWait(server.serverSpace) - refused).toBeGreaterThan(2 * FEW);
  }, 120_000);

  it('does not hinder the connections of the next one, from the same ports', async () => {
    const refused = refusedByTimeWait(server.serverSpace);
    const runs = [await run(PORTS, true), await run(PORTS, true), await run(PORTS, true)];
    for (const times of runs) {
      expect(times).toHaveLength(PORTS.length);
      expect(times).not.toContain(-1);
    }
    // TIME-WAIT takes the SYN at once.
    expect(refusedByTimeWait(server.serverSpace) - refused).toBe(0);
    expect(Math.max(...runs.map(delayed))).toBeLessThanOrEqual(FEW);
    // A socket that was never closed here answers with an ACK, which is refused with an RST, and the
    // SYN is retransmitted after a second, as Linux does.
    expect(Math.max(...runs.flatMap(delays))).toBeLessThan(RETRANSMITTED_TWICE);
  }, 120_000);
});
