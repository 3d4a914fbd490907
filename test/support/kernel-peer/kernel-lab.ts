/**
 * `up` in a machine with Debian's kernel, against wireguard-go. The machine emulates its processor, so
 * tests wait for an effect, not for a fixed time.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { inSpace, WireGuardGoServer } from '../foreign/wireguard-go-server.js';
import { TUN_MODE } from '../runner/requirements.js';
import { messageOf } from '../../../src/lib/errors/error-message.js';
import { bootArctunMachine, TOOLS } from './arctun-machine.js';
import type { KernelMachine } from './machine.js';

/** The requirements of a test file with this lab. */
export const KERNEL_LAB = [
  ...TUN_MODE,
  ...(['nft', 'qemu-system-x86_64', 'kernel-peer', 'wg-quick'] as const),
] as const;

/** The limit for one step, which ends tests that hang. */
const STEP = 240_000;
/** The limit for a test or a hook, in milliseconds. */
export const SLOW = 3 * STEP;

const IP = `${TOOLS}/ip`;
/** Without the link-local addresses and multicast routes that appear after a link is up. */
const NETWORK = `(${IP} -brief link | cut -d ' ' -f 1; ${IP} -o address; ${IP} -4 rule; ${IP} -6 rule
  ${IP} -4 route show table all; ${IP} -6 route show table all) | grep -v 'fe80:\\|ff00:'`;

/** A name that setHosts() defines. */
export const SERVER_NAME = 'arc.test';

/** Where the tests serve status pages. */
const PAGES = '127.0.0.1:9100';

/** The interface in arc.json. */
export const INTERFACE = 'arc0';

type ConfigChange = Parameters<WireGuardGoServer['writeConfig']>[0];

export class KernelLab {
  readonly server: WireGuardGoServer;
  readonly #machine: KernelMachine;
  /** The network's state before the first test. */
  readonly #before: string;

  private constructor(server: WireGuardGoServer, machine: KernelMachine, before: string) {
    this.server = server;
    this.#machine = machine;
    this.#before = before;
  }

  static async start(): Promise<KernelLab> {
    const server = new WireGuardGoServer();
    await server.startWireGuard();
    await server.startHttp();
    const machine = await bootArctunMachine(server);
    return new KernelLab(server, machine, await machine.run(NETWORK, STEP));
  }

  /** Runs a shell command in the machine. */
  run(command: string): Promise<string> {
    return this.#machine.run(command, STEP);
  }

  /** Runs iproute2's `ip` in the machine. */
  ip(parameters: string): Promise<string> {
    return this.run(`${IP} ${parameters}`);
  }

  /** Runs a shell command in the machine until it succeeds, and returns its standard output. */
  async until(command: string): Promise<string> {
    await this.#wait(`until (${command}) >/tmp/until; do sleep 0.2; done`);
    return this.run('cat /tmp/until');
  }

  /** Runs a command in the server's namespace. */
  onServer(...command: readonly string[]): string {
    const [program, ...parameters] = [...inSpace(this.server.serverSpace), ...command];
    return execFileSync(program, parameters, { encoding: 'utf8', stdio: 'pipe' });
  }

  async configure(change: ConfigChange, members: object = {}): Promise<void> {
    this.server.writeConfig(change);
    const config = JSON.parse(readFileSync(this.server.configPath, 'utf8')) as object;
    const bytes = Buffer.from(JSON.stringify({ ...config, interface: INTERFACE, ...members }));
    await this.run(
      `echo ${bytes.toString('base64')} | base64 -d >/tmp/arc.json; chmod 600 /tmp/arc.json`,
    );
  }

  /** Starts `up --mode kernel`, and waits until the tunnel is open. */
  up(...flags: readonly string[]): Promise<void> {
    return this.upIn('kernel', ...flags);
  }

  /** Also serves the pages that untilReadiness() and metric() read. */
  upWithPages(...flags: readonly string[]): Promise<void> {
    return this.up('--status-listen', PAGES, ...flags);
  }

  async upIn(mode: string, ...flags: readonly string[]): Promise<void> {
    await this.begin(mode, ...(flags.includes('--wait') ? [] : ['--wait', '0']), ...flags);
    await this.#wait(`until grep -q '"mode":"${mode}"' /tmp/up.log; do
        if [ -f /tmp/up.code ]; then cat /tmp/up.log; exit 1; fi
        sleep 0.2
      done`);
  }

  /** Starts `up` without waiting. */
  async begin(mode: string, ...flags: readonly string[]): Promise<void> {
    const command = `arctun up --mode ${mode} --json --config /tmp/arc.json ${flags.join(' ')}`;
    await this.run(`rm -f /tmp/up.*; (${command} >/tmp/up.log 2>&1; echo $? >/tmp/up.code) &`);
  }

  /** Waits until `up` exits. */
  async ended(): Promise<{ readonly code: number; readonly log: string }> {
    await this.until('[ -f /tmp/up.code ]');
    return {
      code: Number(await this.run('cat /tmp/up.code')),
      log: await this.run('cat /tmp/up.log'),
    };
  }

  async kill(): Promise<void> {
    await this.run('killall -KILL node');
    await this.ended();
  }

  /** Stops `up`, and checks that it leaves nothing behind. */
  async stop(): Promise<void> {
    // A ping would then leave outside the tunnel.
    await this.run('killall -KILL ping; killall -TERM node');
    expect(await this.ended()).toMatchObject({ code: 0 });
    await this.expectNothingLeft();
  }

  async expectNothingLeft(): Promise<void> {
    expect(await this.run(NETWORK)).toBe(this.#before);
  }

  /** Waits until three pings in a row are answered. The first one may be lost before that. */
  async ping(target = this.server.inside.service): Promise<void> {
    await this.until(`ping -c 3 -W 10 ${target} | grep ' 0% packet loss'`);
  }

  /** The received bytes, as `wg` shows them. */
  async receivedBytes(): Promise<number> {
    return Number((await this.run(`wg show ${INTERFACE} transfer`)).split('\t')[1]);
  }

  /** Runs a loop that waits. An error shows the state of the machine. */
  async #wait(loop: string): Promise<void> {
    await this.run(loop).catch(async (error: unknown) => {
      const state = await this.run(
        `cat /tmp/up.log /tmp/until; ip address; ip route; wg show; ${page('/readyz')}; true`,
      );
      throw new Error(`${messageOf(error)}\n${state}`);
    });
  }

  /** Waits until the readiness page of `up --status-listen` contains the text. */
  async untilReadiness(text: string): Promise<void> {
    await this.until(`${page('/readyz')} | grep -F "${text}"`);
  }

  /** Returns the value of a metric. */
  async metric(name: string): Promise<number> {
    const line = await this.until(`${page('/metrics')} | grep '^${name}[{ ]'`);
    return Number(line.trim().split(' ').at(-1));
  }

  /** Gives the server's name other addresses. */
  async setHosts(...addresses: readonly string[]): Promise<void> {
    const lines = addresses.map((address) => `${address} ${SERVER_NAME}\\n`).join('');
    // Otherwise, a lookup reads only the first line with the name.
    const more = 'echo multi on >/etc/host.conf';
    await this.run(`mkdir -p /etc; ${more}; printf '${lines}' >/etc/hosts`);
  }

  /** Ends what a failed test has left running. The counters of the machine's link remain. */
  async clean(): Promise<void> {
    this.onServer('nft', 'flush', 'ruleset', 'inet');
    await this.run(
      `killall ping; killall -KILL node; ip link delete ${INTERFACE}; ip link delete arc1
      ${IP} -6 route delete default; ip -6 address flush dev eth0 scope global; rm -f /tmp/hooks /etc/hosts; true`,
    );
  }

  close(): Promise<void> {
    return this.server.close();
  }
}

function page(path: string): string {
  const [host, port] = PAGES.split(':');
  return `printf 'GET ${path} HTTP/1.0\\r\\nHost: ${PAGES}\\r\\n\\r\\n' | nc ${host} ${port}`;
}
