/**
 * Connects `up --mode tun` to wireguard-go; runs commands in both namespaces and counts packets.
 */
import { execFileSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

import { ARCTUN, type Finished, type TestProcess } from '../processes.js';
import { until } from '../until.js';
import { type Inside, inSpace, LISTEN_PORT, WireGuardGoServer } from './wireguard-go-server.js';

/** The requirements of a test file with this lab. */
export const TUN_LAB = [
  ...(['root', 'linux', 'koffi', 'tun', 'wireguard-go', 'wg', 'ip', 'ethtool', 'nft'] as const),
  'ping',
] as const;

export const SERVER_OUTSIDE_6 = '2001:db8::1';
export const CLIENT_OUTSIDE_6 = '2001:db8::2';

/** A peer as `wg show … dump` prints it. */
export interface ShownPeer {
  readonly publicKey: string;
  readonly endpoint: string;
  readonly allowedIps: string;
  /** Unix seconds; 0 if none. */
  readonly latestHandshake: number;
  readonly received: number;
  readonly sent: number;
}

type Side = 'client' | 'server';

/** Milliseconds. */
const PATIENCE = 100_000;

export class TunLab {
  readonly server: WireGuardGoServer;

  private constructor(inside: Inside | undefined) {
    this.server = new WireGuardGoServer(inside);
  }

  /** Starts wireguard-go; arctun is not running yet. */
  static async start(inside?: Inside): Promise<TunLab> {
    const lab = new TunLab(inside);
    for (const side of ['client', 'server'] as const) {
      const address = side === 'client' ? CLIENT_OUTSIDE_6 : SERVER_OUTSIDE_6;
      const [link] = lab.links(side);
      lab.in(side, 'ip', 'address', 'add', `${address}/64`, 'dev', link!, 'nodad');
    }
    lab.server.wire?.addServer(SERVER_OUTSIDE_6);
    await lab.server.startWireGuard();
    return lab;
  }

  /** Runs a command and returns its output. */
  in(side: Side, ...command: readonly string[]): string {
    const [program, ...parameters] = [...inSpace(this.space(side)), ...command];
    return execFileSync(program, parameters, { encoding: 'utf8', stdio: 'pipe' });
  }

  /** Runs a command that may fail. */
  try(side: Side, ...command: readonly string[]): Promise<Finished> {
    return this.server.processes.run([...inSpace(this.space(side)), ...command]);
  }

  space(side: Side): string {
    return side === 'client' ? this.server.clientSpace : this.server.serverSpace;
  }

  /** The names of the side's veth devices. */
  links(side: Side): string[] {
    const listing = this.in(side, 'ip', '-brief', 'link', 'show', 'type', 'veth');
    return [...listing.matchAll(/^[^@\s]+/gm)].map(([name]) => name);
  }

  /** Starts `arctun up --mode tun` and waits for its first handshake. */
  async up(...parameters: readonly string[]): Promise<TestProcess> {
    const running = this.server.arctun('up', '--mode', 'tun', '--json', ...parameters);
    await running.output(/"mode":"tun"/);
    return running;
  }

  /** Like `up`, but in another namespace and with another configuration. */
  async upIn(
    space: string,
    config: string,
    ...parameters: readonly string[]
  ): Promise<TestProcess> {
    const running = this.server.processes.start([
      ...[...inSpace(space), process.execPath, ARCTUN, 'up', '--mode', 'tun', '--json'],
      ...['--config', config, ...parameters],
    ]);
    await running.output(/"mode":"tun"/);
    return running;
  }

  /** Stops it as a user does. */
  async down(running: TestProcess): Promise<void> {
    running.kill('SIGTERM');
    await expect(running.finished).resolves.toMatchObject({ code: 0 });
  }

  /**
   * Sends echo requests with `ping` until `count` replies have come, or for a minute.
   *
   * @returns how many were sent, at least `count`, and how many of these were lost. `ping` sends
   *   another request if a reply is slower than its interval, and does not wait for the reply to
   *   that one; so the kernel counts the replies.
   */
  async ping(
    side: Side,
    address: string,
    count: number,
    ...flags: string[]
  ): Promise<{ readonly sent: number; readonly lost: number }> {
    const version = address.includes(':') ? 6 : 4;
    const before = this.#echoes(side, version);
    const command = ['ping', '-n', '-q', '-c', String(count), '-w', '60', ...flags, address];
    const { stdout, stderr } = await this.try(side, ...command);
    const counts = () => {
      const { sent, answered } = this.#echoes(side, version);
      return { sent: sent - before.sent, lost: sent - before.sent - (answered - before.answered) };
    };
    if (counts().sent < count) throw new Error(`ping sent too few: ${stdout}${stderr}`);
    await until(() => counts().lost === 0, { limit: 20_000 }).catch(() => undefined);
    return counts();
  }

  /** The echo requests that a side has sent, and the replies that it has received. */
  #echoes(side: Side, version: 4 | 6): { sent: number; answered: number } {
    // The counters of the process's network namespace (proc_pid_net(5)).
    if (version === 6) {
      const counters = this.in(side, 'cat', '/proc/net/snmp6');
      const value = (name: string) =>
        Number(new RegExp(`^${name}\\s+(\\d+)$`, 'm').exec(counters)![1]);
      return { sent: value('Icmp6OutEchos'), answered: value('Icmp6InEchoReplies') };
    }
    const lines = this.in(side, 'cat', '/proc/net/snmp').split('\n');
    const [names, values] = lines
      .filter((line) => line.startsWith('Icmp: '))
      .map((line) => line.split(' '));
    const value = (name: string) => Number(values![names!.indexOf(name)]);
    return { sent: value('OutEchos'), answered: value('InEchoReps') };
  }

  /** Whether one ping is answered within `seconds`. */
  async answers(
    side: Side,
    address: string,
    seconds: number,
    ...flags: string[]
  ): Promise<boolean> {
    const command = ['ping', '-n', '-q', '-c', '1', '-W', String(seconds), ...flags, address];
    return (await this.try(side, ...command)).code === 0;
  }

  /** The only peer, or the one with the key, in the side's `wg show`. */
  peer(side: Side, publicKey?: string): ShownPeer {
    const device = side === 'client' ? this.server.clientDevice : this.server.device;
    const rows = this.in(side, 'wg', 'show', device, 'dump').trim().split('\n').slice(1);
    const peers = rows.map((row) => row.split('\t'));
    const found = peers.find(([key]) => publicKey === undefined || key === publicKey);
    if (found === undefined) throw new Error(`no such peer of ${device}`);
    const [key, , endpoint, allowedIps, latestHandshake, received, sent] = found;
    return {
      publicKey: key!,
      endpoint: endpoint!,
      allowedIps: allowedIps!,
      latestHandshake: Number(latestHandshake),
      received: Number(received),
      sent: Number(sent),
    };
  }

  nft(side: Side, ...commands: readonly string[]): string {
    return this.in(side, 'nft', commands.join('; '));
  }

  /** Drops matching packets that arrive at the side, until `pass`. */
  drop(side: Side, match: string): void {
    this.nft(
      side,
      'add table inet dropped',
      'add chain inet dropped in { type filter hook input priority 0; }',
      `add rule inet dropped in ${match} drop`,
    );
  }

  pass(side: Side): void {
    this.nft(side, 'delete table inet dropped');
  }

  /**
   * Starts counting matching packets that arrive at the side.
   *
   * @returns a function that returns the counts
   */
  count<Name extends string>(
    side: Side,
    matches: Readonly<Record<Name, string>>,
  ): () => Record<Name, number> {
    const names = Object.keys(matches) as Name[];
    this.nft(
      side,
      'add table inet counted',
      // Counts before the rules that drop.
      'add chain inet counted in { type filter hook input priority -10; }',
      ...names.flatMap((name) => [
        `add counter inet counted ${name}`,
        `add rule inet counted in ${matches[name]} counter name ${name}`,
      ]),
    );
    return () => {
      const listing = this.nft(side, 'list counters table inet counted');
      const counted = [...listing.matchAll(/counter (\w+) \{\s*packets (\d+)/g)];
      return Object.fromEntries(counted.map(([, name, count]) => [name, Number(count)])) as Record<
        Name,
        number
      >;
    };
  }

  /** Matches the tunnel's datagrams that arrive at the side with a message of this length. */
  static message(side: Side, length: number): string {
    return `udp ${side === 'server' ? 'dport' : 'sport'} ${LISTEN_PORT} udp length ${length + 8}`;
  }

  /** Polls until the condition holds, for much longer than a slow machine needs. */
  async until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
    const end = Date.now() + PATIENCE;
    while (!(await isTrue())) {
      if (Date.now() > end) throw new Error(`not within ${PATIENCE / 1000} s: ${what}`);
      await pause(100);
    }
  }

  close(): Promise<void> {
    return this.server.close();
  }
}
