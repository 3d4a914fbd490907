/** The library: opens a tunnel from another program. */
import { loadTunnelConfig } from './app/config/load-arc-config.js';
import { openTunnel } from './app/up/open-tunnel.js';
import { planTunnel } from './app/up/plan-tunnel.js';
import type { Crypto } from './crypto/crypto.js';
import { selectCrypto } from './crypto/select.js';
import { UserError } from './lib/errors/user-error.js';
import type { Log } from './ports/log.js';
import { systemClock, systemWallClock } from './system/clock.js';
import { systemEntropy } from './system/entropy.js';
import { systemFiles } from './system/files/files.js';
import type { LogLevel } from './ports/log.js';
import { createLog } from './system/log.js';
import { systemResolver } from './system/network/resolver.js';
import { stateFolder } from './system/files/state-folder.js';
import { createTimestampStore } from './system/files/timestamps.js';
import { udpSockets } from './system/network/udp-socket.js';
import type { CongestionAlgorithm, UserspaceTunnel } from './tunnel/userspace-tunnel.js';

export { UserError };
export { type Dialer, DialError, type DialTarget } from './proxy/dialer.js';
export type { AddressInfo } from './tunnel/names/address-info.js';
export type {
  TunnelHttpAgent,
  TunnelHttpsAgent,
  UndiciConnector,
  UndiciConnectOptions,
} from './tunnel/node/http-agent.js';
export type { Lookup, PromisedLookup } from './tunnel/names/lookup.js';
export type { SystemError } from './tunnel/node/node-errors.js';
export type { ConnectOptions } from './tunnel/node/node-network.js';
export type { TunnelEvents, TunnelSilence } from './tunnel/node/node-tunnel.js';
export type { PingOptions, PingReply } from './tunnel/node/ping.js';
export type { ListenOptions, TcpServer } from './tunnel/node/tcp-server.js';
export type { TcpInfo, TcpSocket } from './tunnel/node/tcp-socket.js';
export { TunnelError } from './tunnel/tunnel-error.js';
export type { RemoteInfo, UdpSocket } from './tunnel/node/udp-socket.js';
export type {
  CloseOptions,
  CongestionAlgorithm,
  UserspaceTunnel,
} from './tunnel/userspace-tunnel.js';

export interface CreateTunnelOptions {
  /**
   * The path of arc.json, its content as JSON or base64, or an object with the members of arc.json.
   */
  readonly config: string | object;
  /** Milliseconds to wait for the first handshake; defaults to 20,000, and 0 waits forever. */
  readonly wait?: number;
  /** TCP congestion control inside the tunnel: `bbr` (the default), `cubic` or `reno`. */
  readonly congestion?: CongestionAlgorithm;
  /** The log level on standard error; nothing is logged by default. */
  readonly logLevel?: LogLevel;
  readonly signal?: AbortSignal;
}

/**
 * Opens a tunnel in userspace and waits for its first handshake; `tunnel.close()` closes the
 * tunnel. docs/guides/library.md describes what a tunnel can do.
 *
 * @throws UserError with `kind` (`configuration`, `tunnel` …), what failed, why, and what to do
 */
export async function createTunnel(options: CreateTunnelOptions): Promise<UserspaceTunnel> {
  const config = configText(options);
  const log = logOf(options.logLevel ?? 'silent');
  const home = { files: systemFiles, stateFolder: stateFolder() };
  const arcConfig = await loadTunnelConfig(config, home);
  const ports = {
    crypto: await (crypto ??= selectCrypto()),
    entropy: systemEntropy,
    wallClock: systemWallClock,
    clock: systemClock,
    sockets: udpSockets,
    resolver: systemResolver,
    log,
    timestamps: createTimestampStore(stateFolder(), log),
  };
  const plan = planTunnel({ arcConfig, congestion: options.congestion }, ports);
  const { wait, signal } = options;
  const { tunnel, handshake } = await openTunnel(plan, { wait: wait ?? 20_000, signal }, ports);
  try {
    await handshake;
    return tunnel;
  } catch (error) {
    await tunnel.close();
    throw error;
  }
}

/** All tunnels share one cryptographic backend. */
let crypto: Promise<Crypto> | undefined;

/** One log for each level. All tunnels share it, because a log uses more memory than a tunnel. */
const logs = new Map<LogLevel, Log>();

function logOf(level: LogLevel): Log {
  let log = logs.get(level);
  if (log === undefined) {
    log = createLog(level, 'text');
    logs.set(level, log);
  }
  return log;
}

/** @throws UserError of kind `usage` if the config is neither a string nor a plain object */
function configText(options: CreateTunnelOptions | undefined): string {
  const config: unknown = options?.config;
  if (typeof config === 'string' && config !== '') return config;
  if (typeof config === 'object' && config !== null && !ArrayBuffer.isView(config)) {
    return JSON.stringify(config);
  }
  throw new UserError('usage', {
    what: 'cannot use the config option of createTunnel',
    why: `the option must not be ${config === '' ? 'empty' : `of type ${typeof config}`}`,
    next: [
      'Pass the path of arc.json, its content as JSON or in base64, or an object with the same members.',
    ],
  });
}
