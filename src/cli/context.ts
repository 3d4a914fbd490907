/**
 * The composition root: the one place that creates what touches the operating system. What is
 * slow to load is loaded when it is first asked for.
 */
import type { Files } from '../arc-config/files.js';
import type { SoracomClient } from '../soracom/client.js';
import type { TunnelPorts } from '../tunnel/userspace-tunnel.js';
import type { Log, Resolver } from '../tunnel/ports.js';

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'text' | 'json';
}

export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `arctun/VERSION (platform arch node)`. */
  readonly userAgent: string;
  readonly platform: string;
  files(): Promise<Files>;
  log(options: LogOptions): Promise<Log>;
  tunnelPorts(log: Log): Promise<TunnelPorts>;
  resolver(): Promise<Resolver>;
  /** Makes clients of the SORACOM API at an endpoint. */
  soracomClients(): Promise<(endpoint: string, signal?: AbortSignal) => SoracomClient>;
  /** Fires at the first SIGINT or SIGTERM; a second one ends the process. */
  stopSignal(): Promise<AbortSignal>;
  /** All of standard input. */
  readStdin(): Promise<Uint8Array>;
  stdinIsTerminal(): boolean;
  /** A file's bytes. */
  readFile(path: string): Promise<Uint8Array>;
  /** A folder for what must not be lost when its own place cannot be written. */
  rescueFolder(): string;
}

export function createContext(version: string): Context {
  const userAgent = `arctun/${version} (${process.platform} ${process.arch} ${process.version})`;
  return {
    env: process.env,
    userAgent,
    platform: process.platform,
    files: async () => (await import('../platform/files.js')).systemFiles,
    log: async ({ level, format }) => (await import('../platform/log.js')).createLog(level, format),
    tunnelPorts,
    resolver: async () => (await import('../platform/resolver.js')).systemResolver,
    soracomClients: async () => {
      const { SoracomClient } = await import('../soracom/client.js');
      return (endpoint, signal) =>
        new SoracomClient({ endpoint, userAgent, ...(signal && { signal }) });
    },
    stopSignal: async () => (await import('../platform/signals.js')).stopSignal(),
    readStdin: async () => (await import('../platform/input.js')).readStdin(),
    stdinIsTerminal: () => process.stdin.isTTY,
    readFile: async (path) => (await import('../platform/input.js')).readWholeFile(path),
    rescueFolder: () => process.env.STATE_DIRECTORY ?? process.env.TMPDIR ?? '/tmp',
  };
}

async function tunnelPorts(log: Log): Promise<TunnelPorts> {
  const [{ selectCrypto }, { systemEntropy }, clocks, { udpSockets }, { systemResolver }] =
    await Promise.all([
      import('../crypto/select.js'),
      import('../platform/entropy.js'),
      import('../platform/clock.js'),
      import('../platform/udp-socket.js'),
      import('../platform/resolver.js'),
    ]);
  return {
    crypto: await selectCrypto(),
    entropy: systemEntropy,
    wallClock: clocks.systemWallClock,
    clock: clocks.systemClock,
    sockets: udpSockets,
    resolver: systemResolver,
    log,
  };
}
