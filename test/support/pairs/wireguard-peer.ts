/**
 * Controls a WireGuard process of this project whose tunnel arc.json cannot describe
 * (wireguard-peer-process.js).
 */
import { execFileSync } from 'node:child_process';

import { type Processes, REPOSITORY, type TestProcess } from '../processes.js';

const PROGRAM = `${REPOSITORY}test/support/foreign/wireguard-peer-process.js`;
const ANSWER_TIMEOUT = 60_000;

/** Bytes per line of a paced body. */
export const PACED_LINE = 1000;

export interface Address {
  readonly address: string;
  readonly port: number;
}

export interface TunnelSetup {
  readonly keys: KeyTexts;
  /** The address outside the tunnel. */
  readonly local: Address;
  /** The address inside the tunnel. */
  readonly address: string;
  readonly mtu?: number;
  readonly peer: {
    readonly publicKey: string;
    readonly presharedKey?: string;
    /** If absent, only the other side can initiate. */
    readonly endpoint?: Address;
    readonly allowedIps: readonly string[];
    /** Milliseconds. */
    readonly persistentKeepalive?: number;
  };
}

export interface TunnelStatus {
  readonly received: number;
  readonly sent: number;
  readonly endpoint: Address | null;
  /** Unix seconds; 0 if none. */
  readonly latestHandshake: number;
  /** The number of completed handshakes. */
  readonly handshakes: number;
  readonly hasSession: boolean;
  readonly cookieReceived: boolean;
  /** The number of packets whose inner source address is not the peer's. */
  readonly wrongSources: number;
  readonly silence: string | null;
  readonly socketError: string | null;
}

/** A key pair in base64. */
export interface KeyTexts {
  readonly privateKey: string;
  readonly publicKey: string;
}

export class WireGuardPeer {
  readonly process: TestProcess;
  #requests = 0;

  private constructor(started: TestProcess) {
    this.process = started;
  }

  /** @param space the command prefix `ip netns exec …` */
  static async open(
    processes: Processes,
    space: readonly string[],
    setup: TunnelSetup,
  ): Promise<WireGuardPeer> {
    const started = processes.start([...space, process.execPath, PROGRAM], { interactive: true });
    const peer = new WireGuardPeer(started);
    const { keys, local, address, mtu = 1420, peer: other } = setup;
    const { privateKey } = keys;
    await peer.#ask('open', { privateKey, addresses: [address], mtu, local, peer: other });
    return peer;
  }

  status(): Promise<TunnelStatus> {
    return this.#ask('status');
  }

  /** Starts a handshake. */
  async handshake(): Promise<void> {
    await this.#ask('handshake');
  }

  /** Sends one packet into the tunnel, to a port where nothing listens. */
  async datagram(host: string): Promise<void> {
    await this.#ask('datagram', { host });
  }

  async setPresharedKey(presharedKey: string): Promise<void> {
    await this.#ask('setPresharedKey', { presharedKey });
  }

  /** Closes the UDP socket and opens another one. */
  async move(local: Address): Promise<void> {
    await this.#ask('move', { local });
  }

  /**
   * Sends a POST of `lines` lines to port 80 of a host inside the tunnel, one line per `interval`
   * ms.
   */
  post(
    host: string,
    path: string,
    lines: number,
    interval = 0,
  ): Promise<{ status: number; body: string; sha256: string }> {
    const timeout = ANSWER_TIMEOUT + lines * interval;
    return this.#ask('post', { host, path, lines, interval }, timeout);
  }

  get(host: string, path: string): Promise<{ status: number; length: number; sha256: string }> {
    return this.#ask('get', { host, path });
  }

  /** Kills the process, like a crash. */
  async crash(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.process.finished;
  }

  async #ask<T>(name: string, parameters: object = {}, timeout = ANSWER_TIMEOUT): Promise<T> {
    const id = ++this.#requests;
    this.process.type(`${JSON.stringify({ id, do: name, ...parameters })}\n`);
    const answer = new RegExp(`^\\{"id":${id},.*\\}$`, 'm');
    const [line] = await this.process.output(answer, 'stdout', timeout).catch(() => {
      throw new Error(`${name}: no answer in ${timeout} ms: ${this.process.stderr}`);
    });
    const { result, error } = JSON.parse(line) as { result: T; error?: string };
    if (error !== undefined) throw new Error(`${name}: ${error}`);
    return result;
  }
}

export function keyPair(): KeyTexts {
  const privateKey = execFileSync('wg', ['genkey'], { encoding: 'utf8' }).trim();
  return { privateKey, publicKey: publicKeyOf(privateKey) };
}

export function publicKeyOf(privateKey: string): string {
  return execFileSync('wg', ['pubkey'], { encoding: 'utf8', input: privateKey }).trim();
}

export function presharedKey(): string {
  return execFileSync('wg', ['genpsk'], { encoding: 'utf8' }).trim();
}
