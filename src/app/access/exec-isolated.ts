/** Runs a program in a network of its own, whose only way out is the tunnel: the process outside. */
import type { ForegroundPrograms } from '../../ports/command-runner.js';
import type { HeldNetwork, Isolation } from '../../ports/isolation.js';
import type { LocalListeners, LocalStream } from '../../ports/local-sockets.js';
import type { LogOptions } from '../../ports/log.js';
import { answerLifeline } from '../../proxy/shared/lifeline.js';
import { SharedTunnel } from '../../proxy/shared/shared-tunnel.js';
import { addressInfo } from '../../tunnel/names/address-info.js';
import { ControlSession } from '../status/control-session.js';
import type { AccessOptions, TunnelAccess } from './access.js';
import { environmentFor } from './exec-program.js';
import { isolationError } from './isolation-error.js';
import { isolationReply } from './isolation-settings.js';
import { describeFailure } from './portable-failure.js';
import { type AccessPorts, openAccess } from './tunnel-access.js';

/** How long, in milliseconds, the program's last data may take to arrive. */
const GRACE = 5_000;

/** The maximum number of connections that have not sent their request yet. */
const MAX_CONVERSATIONS = 1_024;

export type ExecIsolatedPorts = AccessPorts & {
  readonly programs: ForegroundPrograms;
  readonly isolation: Isolation;
  readonly listeners: LocalListeners;
};

export type ExecIsolatedOptions = Omit<AccessOptions, 'command'> & { readonly log: LogOptions };

/**
 * Runs the program until it exits. Programs that it leaves behind are killed, because their network
 * ends.
 *
 * @param command the program and its arguments
 * @returns the program's exit status as a shell reports it
 * @throws UserError of kind `permission`, `usage` or `failed` if the system does not allow this
 * @throws UserError of kind `tunnel` if the tunnel cannot be used; the abort reason
 */
export async function execIsolated(
  command: readonly string[],
  options: ExecIsolatedOptions,
  ports: ExecIsolatedPorts,
): Promise<number> {
  const obstacle = await ports.isolation.obstacle();
  if (obstacle !== undefined) throw isolationError(obstacle);
  const access = await openAccess({ ...options, command: 'exec' }, ports);
  const outside = new Outside(access, options, ports);
  try {
    const socket = await outside.open();
    options.signal?.throwIfAborted();
    return await ports.programs.run(ports.isolation.commandFor(socket, command), withoutProxies());
  } finally {
    const deadline = ports.clock.now() + GRACE;
    await outside.close();
    await access.close(Math.max(0, deadline - ports.clock.now()));
  }
}

/** The proxies that the variables name are outside the program's network. */
function withoutProxies(): Readonly<Record<string, undefined>> {
  const names = Object.keys(environmentFor('', ''));
  const all = [...names, 'ftp_proxy', 'FTP_PROXY'];
  return Object.fromEntries(all.map((name) => [name, undefined]));
}

/** Serves the tunnel to the process inside. */
class Outside {
  readonly #options: ExecIsolatedOptions;
  readonly #ports: ExecIsolatedPorts;
  readonly #access: TunnelAccess;
  readonly #shared: SharedTunnel;
  #folder: string | undefined;
  #listener: { close(): Promise<void> } | undefined;
  #lifeline: LocalStream | undefined;
  #outerNetwork = '';
  /** The network namespace of the program, once the process inside has reported it. */
  #held: Promise<HeldNetwork | undefined> | undefined;

  constructor(access: TunnelAccess, options: ExecIsolatedOptions, ports: ExecIsolatedPorts) {
    this.#access = access;
    this.#options = options;
    this.#ports = ports;
    const { dialer, datagramDialer, echoDialer } = access;
    const dialers = { dialer, datagramDialer, echoDialer };
    this.#shared = new SharedTunnel({ ...dialers, log: ports.log, describe: describeFailure });
  }

  /** @returns the path of the socket for the process inside */
  async open(): Promise<string> {
    const { isolation, listeners } = this.#ports;
    this.#outerNetwork = await isolation.network();
    this.#folder = await isolation.makeFolder();
    const streams = {
      ...this.#shared.requests,
      isolation: (request: object, stream: LocalStream) => this.#begin(request, stream),
    };
    const socket = `${this.#folder}/tunnel.sock`;
    const converse = () => new ControlSession({}, streams);
    const most = { maxConversations: MAX_CONVERSATIONS };
    this.#listener = await listeners.listen(socket, converse, most);
    return socket;
  }

  async close(): Promise<void> {
    const { isolation } = this.#ports;
    await (await this.#held)?.endPrograms();
    this.#lifeline?.destroy();
    await this.#listener?.close();
    await this.#shared.close({ graceMs: GRACE });
    if (this.#folder !== undefined) await isolation.removeFolder(this.#folder);
  }

  #begin({ network }: { readonly network?: unknown }, stream: LocalStream): void {
    const { config, log } = this.#options;
    const { nameServers } = this.#access;
    const isFirst = this.#lifeline === undefined;
    if (!isFirst || typeof network !== 'string' || network === this.#outerNetwork) {
      stream.destroy();
      return;
    }
    this.#lifeline = stream;
    this.#held = this.#ports.isolation.holdNetwork(network);
    const { hosts, fallbackHosts, mtu } = config;
    const reply = isolationReply({
      outerNetwork: this.#outerNetwork,
      folder: this.#folder ?? '',
      addresses: config.addresses.map((address) => addressInfo({ address, port: 0 }).address),
      ...{ mtu, nameServers, hosts, fallbackHosts, log },
    });
    // The program starts after the reply.
    void this.#held.then(() => answerLifeline(stream, reply));
  }
}
