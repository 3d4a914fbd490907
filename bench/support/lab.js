/**
 * Three network namespaces, connected in a row: client, relay and server. Both ends run Debian's
 * wireguard-go. The server's end also runs `server.js`. The client's end uses wireguard-go for the
 * kernel's TCP, and has an arc.json for arctun.
 *
 *     client 192.0.2.2 ── 192.0.2.1 relay 198.51.100.1 ── 198.51.100.2 server
 *       10.77.0.2 (ours), 10.77.0.3 (the kernel's) 100.127.69.42, .43
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Child } from './child.js';

const WIREGUARD_PORT = 11010;
const RELAY = '192.0.2.1';
/** The server's address outside the tunnel. */
const SERVER = '198.51.100.2';
const OURS_INSIDE = '10.77.0.2';
const KERNEL_INSIDE = '10.77.0.3';
const FOLDER = 'arctun-lab-';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * The server's addresses inside the tunnel. The client's routes set the congestion control for each
 * address.
 */
export const SERVICES = { cubic: '100.127.69.42', bbr: '100.127.69.43' };
/**
 * The server's address for connections through arctun's network interface, if the interface exists.
 */
export const TUN_SERVICE = '100.127.69.44';
/** The name of arctun's network interface. */
const TUN_DEVICE = `ab${process.pid}t`;

export class Lab {
  /** The folder for the keys. Only this process uses it. */
  folder = mkdtempSync(join(tmpdir(), `${FOLDER}${process.pid}-`));
  configPath = join(this.folder, 'arc.json');
  /** The configuration for a tunnel with arctun's network interface. */
  tunConfigPath = join(this.folder, 'tun.json');
  wireguard;
  server;
  #name = `ab${process.pid}`;
  #spaces = { client: `${this.#name}c`, relay: `${this.#name}r`, server: `${this.#name}s` };
  #children = new Set();
  #isClosed = false;

  /** @throws Error if a requirement is missing or fails; everything created is removed */
  static async start() {
    sweep();
    const lab = new Lab();
    lab.#closeOnExit();
    try {
      await lab.#setUp();
      return lab;
    } catch (error) {
      lab.close();
      throw error;
    }
  }

  /** Starts a program in the given namespace. */
  start(space, command, env) {
    const child = new Child([...this.#in(space), ...command], {
      XDG_STATE_HOME: join(this.folder, 'state'),
      ...env,
    });
    this.#children.add(child);
    void child.ended().then(() => this.#children.delete(child));
    return child;
  }

  /** Starts one of the programs in this folder. */
  startProgram(space, program, ...parameters) {
    return this.start(space, ourProgram(program, ...parameters));
  }

  /** Sets the congestion control of the client's kernel for traffic through arctun's interface. */
  setTunCongestion(algorithm) {
    const route = ['ip', '-n', this.#spaces.client, 'route', 'replace', `${TUN_SERVICE}/32`];
    run(...route, 'dev', TUN_DEVICE, 'congctl', algorithm);
  }

  /** Sets the congestion control of the server's kernel for new connections. */
  setServerCongestion(algorithm) {
    for (const inside of [OURS_INSIDE, KERNEL_INSIDE]) {
      this.#route('server', inside, algorithm);
    }
  }

  /** Runs a command in a namespace, and waits until it exits. */
  run(space, ...command) {
    return run(...this.#in(space), ...command);
  }

  /**
   * Stops all processes and removes all files. This method is synchronous, because the exit handler
   * calls it.
   */
  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const child of this.#children) child.kill();
    for (const space of Object.values(this.#spaces)) tryRun('ip', 'netns', 'delete', space);
    for (const side of ['c', 's']) removeSocket(`${this.#name}${side}`);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #closeOnExit() {
    process.on('exit', () => this.close());
    for (const signal of SIGNALS) process.on(signal, () => process.exit(1));
  }

  async #setUp() {
    const { client, relay, server } = this.#spaces;
    for (const space of [client, relay, server]) {
      run('ip', 'netns', 'add', space);
      run('ip', '-n', space, 'link', 'set', 'lo', 'up');
    }
    this.run('relay', 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
    for (const space of ['client', 'server']) {
      // Prevent path metrics of one run from influencing the next run.
      this.run(space, 'sysctl', '-qw', 'net.ipv4.tcp_no_metrics_save=1');
    }
    connect({ space: client, address: '192.0.2.2' }, { space: relay, address: RELAY });
    connect({ space: server, address: SERVER }, { space: relay, address: '198.51.100.1' });
    await this.#setUpWireGuard();
    this.server = this.startProgram('server', 'server.js');
    await this.server.line((line) => line === 'listening');
  }

  async #setUpWireGuard() {
    const keys = { server: keyPair(), ours: keyPair(), kernel: keyPair() };
    const endpoint = `${SERVER}:${WIREGUARD_PORT}`;
    await this.#startWireGuard('server', keys.server, ['listen-port', String(WIREGUARD_PORT)], {
      [keys.ours.publicKey]: ['allowed-ips', `${OURS_INSIDE}/32`],
      [keys.kernel.publicKey]: ['allowed-ips', `${KERNEL_INSIDE}/32`],
    });
    this.wireguard = await this.#startWireGuard('client', keys.kernel, [], {
      [keys.server.publicKey]: ['endpoint', endpoint, 'allowed-ips', '100.127.0.0/16'],
    });
    const { client, server } = this.#spaces;
    const [clientDevice, serverDevice] = [this.#device('client'), this.#device('server')];
    run('ip', '-n', client, 'address', 'add', `${KERNEL_INSIDE}/32`, 'dev', clientDevice);
    for (const [algorithm, address] of Object.entries(SERVICES)) {
      run('ip', '-n', server, 'address', 'add', `${address}/32`, 'dev', serverDevice);
      this.#route('client', address, algorithm);
    }
    run('ip', '-n', server, 'address', 'add', `${TUN_SERVICE}/32`, 'dev', serverDevice);
    this.setServerCongestion('cubic');
    for (const [path, allowedIps] of [
      [this.configPath, '100.127.0.0/16'],
      [this.tunConfigPath, `${TUN_SERVICE}/32`],
    ]) {
      writeFileSync(path, arcConfig(keys, { endpoint, allowedIps }), { mode: 0o600 });
    }
  }

  async #startWireGuard(side, { privateKey }, settings, peers) {
    const device = this.#device(side);
    const wireguard = this.start(side, ['wireguard-go', '-f', device]);
    for (
      let attempt = 0;
      tryRun(...this.#in(side), 'wg', 'show', device) === undefined;
      attempt++
    ) {
      if (attempt > 100) throw new Error(`wireguard-go did not start: ${wireguard.stderr}`);
      await pause(50);
    }
    const keyFile = join(this.folder, `${side}.key`);
    writeFileSync(keyFile, privateKey, { mode: 0o600 });
    this.run(side, 'wg', 'set', device, ...settings, 'private-key', keyFile);
    for (const [publicKey, peer] of Object.entries(peers)) {
      this.run(side, 'wg', 'set', device, 'peer', publicKey, ...peer);
    }
    run('ip', '-n', this.#spaces[side], 'link', 'set', device, 'mtu', '1420', 'up');
    return wireguard;
  }

  #route(side, address, algorithm) {
    const route = ['ip', '-n', this.#spaces[side], 'route', 'replace', `${address}/32`];
    run(...route, 'dev', this.#device(side), 'congctl', algorithm);
  }

  /** Returns a unique device name, because all namespaces share one folder of control sockets. */
  #device(side) {
    return this.#spaces[side];
  }

  #in(space) {
    return ['ip', 'netns', 'exec', this.#spaces[space]];
  }
}

function ourProgram(program, ...parameters) {
  const file = fileURLToPath(new URL(program, import.meta.url));
  return [process.execPath, file, ...parameters];
}

function connect(...ends) {
  const [[near, nearLink], [far, farLink]] = ends.map(({ space }) => [space, `to${space}`]);
  run(
    ...['ip', 'link', 'add', `${farLink}`, 'netns', near, 'type', 'veth'],
    ...['peer', 'name', nearLink, 'netns', far],
  );
  for (const [index, { space, address }] of ends.entries()) {
    const link = index === 0 ? farLink : nearLink;
    run('ip', '-n', space, 'address', 'add', `${address}/24`, 'dev', link);
    run('ip', '-n', space, 'link', 'set', link, 'up');
    // Disable segmentation offload, which merges datagrams, because the path must carry each
    // datagram separately.
    const off = ['gso', 'off', 'gro', 'off', 'tx-udp-segmentation', 'off'];
    run('ip', 'netns', 'exec', space, 'ethtool', '-K', link, ...off);
    if (index === 0) {
      run('ip', '-n', space, 'route', 'add', 'default', 'via', ends[1].address);
    }
  }
}

function arcConfig({ ours, server }, { endpoint, allowedIps }) {
  return JSON.stringify({
    privateKey: ours.privateKey.trim(),
    publicKey: ours.publicKey,
    simId: '8942000000000000001',
    interface: TUN_DEVICE,
    arcSessionStatus: {
      arcServerPeerPublicKey: server.publicKey,
      arcServerEndpoint: endpoint,
      arcAllowedIPs: [allowedIps],
      arcClientPeerIpAddress: OURS_INSIDE,
    },
  });
}

/** Removes what killed benchmarks left behind. */
function sweep() {
  for (const [name, id] of run('ip', 'netns', 'list').matchAll(/^ab(\d+)[crs]\b/gm)) {
    if (existsSync(`/proc/${id}`)) continue;
    tryRun('ip', 'netns', 'delete', name);
    removeSocket(name);
  }
  for (const name of readdirSync(tmpdir())) {
    const [, id] = new RegExp(`^${FOLDER}(\\d+)-`).exec(name) ?? [];
    if (id === undefined || existsSync(`/proc/${id}`)) continue;
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function removeSocket(device) {
  rmSync(`/var/run/wireguard/${device}.sock`, { force: true });
}

function keyPair() {
  const privateKey = run('wg', 'genkey');
  const publicKey = execFileSync('wg', ['pubkey'], { encoding: 'utf8', input: privateKey }).trim();
  return { privateKey, publicKey };
}

function run(command, ...parameters) {
  return execFileSync(command, parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Returns the command's output; undefined if it fails. */
function tryRun(...command) {
  try {
    return run(...command);
  } catch {
    return undefined;
  }
}
