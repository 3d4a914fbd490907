/**
 * Connects the kernel's TCP behind one wireguard-go with either the library's TCP in a tunnel, or
 * the kernel's TCP behind another wireguard-go that uses the same key. The path between them has a
 * given rate, delay, loss and reordering; the traffic inside the tunnel is captured on the server's
 * side.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { REPOSITORY, type TestProcess } from '../processes.js';
import {
  CLIENT_INSIDE,
  inSpace,
  LISTEN_PORT,
  SERVER_OUTSIDE,
  SERVICE,
  WireGuardGoServer,
} from './wireguard-go-server.js';

const RELAY = `${REPOSITORY}test/support/foreign/relay.js`;
const EXCHANGE = `${REPOSITORY}test/support/foreign/tcp-exchange.js`;
const RELAY_PORT = 7000;
/** The wireguard-go device that replaces the library. */
const DEVICE_IN_OUR_PLACE = 'instead';

/** See link.js. */
export interface PathOptions {
  readonly rate: number;
  readonly delay: number;
  readonly queue: number;
  readonly loss: number;
  readonly reorder: number;
  readonly seed: number;
}

/** The TCP stack on the client's side: the library's with a congestion control, or the kernel's. */
export type Client = { stack: 'ours'; congestion: 'bbr' | 'cubic' } | { stack: 'kernel' };

/** A connection on its own port that carries `length` bytes in each direction. */
export interface ExchangePlan {
  readonly port: number;
  /** The side that opens the connection. */
  readonly opener: 'client' | 'server';
  /** The side that sends first and ends its direction before the other sends. */
  readonly first: 'client' | 'server';
  readonly length: number;
}

export class KernelTcpLab {
  readonly server = new WireGuardGoServer();
  #serial = 0;

  async start(): Promise<void> {
    const { server } = this;
    await server.startWireGuard();
    server.writeConfig({ endpoint: `127.0.0.1:${RELAY_PORT}` });
    for (const space of [server.clientSpace, server.serverSpace]) {
      // Prevents one connection's path metrics from influencing the next.
      run(...inSpace(space), 'sysctl', '-qw', 'net.ipv4.tcp_no_metrics_save=1');
    }
    this.#withoutOffload(server.serverSpace, server.device);
  }

  /**
   * Runs all exchanges of a plan concurrently.
   *
   * @returns the path of the capture file
   * @throws Error if bytes were lost, changed or added
   */
  async exchange(
    client: Client,
    path: PathOptions,
    plans: readonly ExchangePlan[],
  ): Promise<string> {
    const file = join(this.server.folder, `${this.#serial++}.pcapng`);
    const started: TestProcess[] = [];
    try {
      started.push(await this.#startRelay(path));
      if (client.stack === 'kernel') started.push(await this.#startWireGuardInOurPlace());
      const setup = { ...client, config: this.server.configPath };
      const near = this.#startEnd(this.server.clientSpace, setup);
      const far = this.#startEnd(this.server.serverSpace, { stack: 'kernel' });
      started.push(near, far);
      await Promise.all([near.output(/ready/), far.output(/ready/)]);
      this.#confirmSession();
      await this.#captured(file, () => Promise.all(plans.map((plan) => exchange(plan, near, far))));
    } finally {
      // The next exchanges need the same addresses and ports.
      for (const process of started) process.kill();
      await Promise.all(started.map((process) => process.finished));
    }
    return file;
  }

  close(): Promise<void> {
    return this.server.close();
  }

  async #startRelay(path: PathOptions): Promise<TestProcess> {
    const { server } = this;
    const target = `${SERVER_OUTSIDE}:${LISTEN_PORT}`;
    const relay = server.processes.start(
      [
        ...inSpace(server.clientSpace),
        ...[process.execPath, RELAY, `127.0.0.1:${RELAY_PORT}`, target, JSON.stringify(path)],
      ],
      { interactive: true },
    );
    await relay.output(/listening/);
    return relay;
  }

  async #startWireGuardInOurPlace(): Promise<TestProcess> {
    const { server } = this;
    const config = JSON.parse(readFileSync(server.configPath, 'utf8')) as {
      privateKey: string;
      arcSessionStatus: { arcServerPeerPublicKey: string };
    };
    const keyFile = join(server.folder, 'client.key');
    writeFileSync(keyFile, config.privateKey, { mode: 0o600 });
    const device = `${DEVICE_IN_OUR_PLACE}${process.pid}`;
    const wireguard = await server.startWireGuardGo(server.clientSpace, device);
    run(
      ...[...inSpace(server.clientSpace), 'wg', 'set', device, 'private-key', keyFile],
      ...['peer', config.arcSessionStatus.arcServerPeerPublicKey, 'allowed-ips', '100.127.0.0/16'],
      ...['endpoint', `127.0.0.1:${RELAY_PORT}`],
    );
    const ip = ['ip', '-n', server.clientSpace] as const;
    run(...ip, 'address', 'add', `${CLIENT_INSIDE}/32`, 'dev', device);
    run(...ip, 'link', 'set', device, 'mtu', '1420', 'up');
    run(...ip, 'route', 'add', '100.127.0.0/16', 'dev', device);
    this.#withoutOffload(server.clientSpace, device);
    // Triggers the handshake, which nothing else starts.
    run(...inSpace(server.clientSpace), 'ping', '-q', '-c', '1', '-W', '5', SERVICE);
    return wireguard;
  }

  /**
   * Waits until the server uses this run's session. Until the server receives its first packet, it
   * sends with the previous run's keys (whitepaper 5.1), and those packets are lost.
   */
  #confirmSession(): void {
    const once = ['-q', '-c', '1', '-i', '0.2', '-w', '5'];
    run(...inSpace(this.server.serverSpace), 'ping', ...once, CLIENT_INSIDE);
  }

  /**
   * Disables offload, so that captured segments match those on the path, as far as wireguard-go
   * allows.
   */
  #withoutOffload(space: string, device: string): void {
    run(...inSpace(space), 'ethtool', '-K', device, 'tso', 'off', 'gso', 'off', 'gro', 'off');
  }

  async #captured(file: string, action: () => Promise<unknown>): Promise<void> {
    const { server } = this;
    const sniffer = server.processes.start([
      ...[...inSpace(server.serverSpace), 'dumpcap', '-i', server.device, '-f', 'tcp', '-q'],
      // Captures only headers; the buffer holds a second's headers if dumpcap is not scheduled.
      ...['-s', '120', '-B', '32', '-w', file],
    ]);
    await sniffer.output(/^File: /m, 'stderr');
    await action();
    sniffer.kill('SIGINT');
    const { stderr } = await sniffer.finished;
    // A segment missing from the capture would look lost.
    if (!/: \d+\/0 \(/.test(stderr)) throw new Error(`a capture with gaps: ${stderr}`);
  }

  #startEnd(space: string, setup: object): TestProcess {
    const command = [...inSpace(space), process.execPath, EXCHANGE, JSON.stringify(setup)];
    return this.server.processes.start(command, { interactive: true });
  }
}

async function exchange(plan: ExchangePlan, near: TestProcess, far: TestProcess): Promise<void> {
  const { port, opener, first, length } = plan;
  const ends = { client: near, server: far };
  const other = opener === 'client' ? 'server' : 'client';
  const address = other === 'client' ? CLIENT_INSIDE : SERVICE;
  const task = (side: 'client' | 'server', role: 'listen' | 'connect') =>
    ends[side].type(
      `${JSON.stringify({ [role]: port, address, length, isFirst: side === first })}\n`,
    );
  task(other, 'listen');
  await ends[other].output(new RegExp(`listening ${port}\n`));
  task(opener, 'connect');
  const wanted = `${length} ${expectedHash(length)}`;
  for (const end of [near, far]) {
    const [, result] = await end.output(new RegExp(`(?:done|failed) ${port} (.*)\n`));
    if (result !== wanted) throw new Error(`${JSON.stringify(plan)}: ${result}`);
  }
}

/** The SHA-256 of what `tcp-exchange.js` sends. */
function expectedHash(length: number): string {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 4) bytes.writeUInt32BE(Math.imul(at, 2654435761) >>> 0, at);
  return createHash('sha256').update(bytes).digest('hex');
}

function run(command: string, ...parameters: string[]): string {
  return execFileSync(command, parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
