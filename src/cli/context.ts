/**
 * The composition root: the one place that creates what touches the operating system. What is
 * slow to load is loaded when it is first asked for.
 */
import { homedir } from 'node:os';

import type { Files, Journals } from '../arc-config/files.js';
import type { CommandRunner } from '../lib/command-runner.js';
import { createPrivateKey, type KeyPair } from '../lib/key-pair.js';
import type { PrivateFiles } from '../lib/private-files.js';
import type { ReloadRequests } from '../lib/reload-requests.js';
import type { ServiceManager } from '../lib/service-manager.js';
import { Secret } from '../lib/secret.js';
import { UserError } from '../lib/user-error.js';
import type { LinuxNetwork } from '../platform/linux/linux-network.js';
import { runFolders } from '../platform/run-folders.js';
import { stateFolder } from '../platform/state-folder.js';
import type { Credentials } from '../soracom/sign-in.js';
import type { SoracomClient } from '../soracom/client.js';
import type { SoracomClientOptions } from '../soracom/options.js';
import type { TunnelPorts } from '../tunnel/userspace-tunnel.js';
import type { DeviceTunnels } from '../tunnel/device-tunnel.js';
import type {
  CaptureFile,
  Clock,
  DatagramSockets,
  LocalConnections,
  LocalListeners,
  Log,
  MessageChannel,
  PacketDeviceRefusal,
  Resolver,
} from '../tunnel/ports.js';
import type { TerminalSize } from './watch.js';

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'text' | 'json';
}

/** How long clients of the API try, where that is not the usual. */
export type ClientPatience = Pick<SoracomClientOptions, 'timeoutMs' | 'mostRepeats'>;

/** How datagrams go to the system: one by one, in batches, or in batches where that can be. */
export type SocketChoice = 'auto' | 'dgram' | 'batch';

/** What a thread with a tunnel is started with. */
export interface TunnelThreadOptions {
  readonly log: LogOptions;
  readonly socket: SocketChoice;
}

export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `arctun/VERSION (platform arch node)`. */
  readonly userAgent: string;
  readonly platform: string;
  files(): Promise<Files>;
  journals(): Promise<Journals>;
  /** Files of other programs that hold secrets, with the check that nobody else reads them. */
  privateFiles(): Promise<PrivateFiles>;
  /** Programs of the system. */
  commands(): Promise<CommandRunner>;
  /**
   * What has started us as a service; undefined where nothing has that wants to be told. To be called
   * once, before a command runs: it takes what that must not inherit out of the environment.
   */
  serviceManager(log: Log): Promise<ServiceManager | undefined>;
  log(options: LogOptions): Promise<Log>;
  /**
   * @param socket one by one by default: what starts fast has few to send
   * @throws UserError for `batch`, where that cannot be
   */
  tunnelPorts(log: Log, socket?: SocketChoice): Promise<TunnelPorts>;
  /**
   * Tunnels under network interfaces, each in a thread of its own; undefined where this system has none.
   */
  deviceTunnels(options: TunnelThreadOptions): Promise<DeviceTunnels | undefined>;
  /** As deviceTunnels(), in this thread: for what another thread cannot be given. */
  localDeviceTunnels(ports: TunnelPorts): Promise<DeviceTunnels | undefined>;
  /** What is known to stand in the way of an interface, found without making one. */
  deviceObstacle(name: string): Promise<PacketDeviceRefusal | undefined>;
  /** Sockets at paths of the file system. */
  localListeners(): Promise<LocalListeners>;
  /** In such a thread: the way to the one that has started it, and what it was started with. */
  parentThread(): Promise<{ readonly channel: MessageChannel; readonly data: unknown }>;
  /** Makes a new file for a capture, with its header. */
  captureFile(path: string, header: readonly Uint8Array[], log: Log): Promise<CaptureFile>;
  resolver(): Promise<Resolver>;
  /** Makes clients of the SORACOM API for somebody who can sign in there. */
  soracomClients(
    patience?: ClientPatience,
  ): Promise<(credentials: Credentials, signal?: AbortSignal) => SoracomClient>;
  /** Makes X25519 key pairs. */
  keyPairs(): Promise<() => KeyPair>;
  /** The public key of an X25519 private one. */
  publicKeyOf(): Promise<(privateKey: Uint8Array) => Uint8Array>;
  /**
   * Fires at the first SIGINT, SIGTERM or SIGHUP; a second one ends the process. With reloadRequests()
   * SIGHUP is none of them.
   */
  stopSignal(): Promise<AbortSignal>;
  /** Has SIGHUP ask for the configuration to be read again; undefined where it stays a stop. */
  reloadRequests(): Promise<ReloadRequests | undefined>;
  /** All of standard input. */
  readStdin(): Promise<Uint8Array>;
  stdinIsTerminal(): boolean;
  /** Whether a person can be asked: questions are drawn on standard error. */
  isInteractive(): boolean;
  /** Columns of the terminal on standard output; undefined where that is none. */
  terminalColumns(): number | undefined;
  /** As terminalColumns(), with its rows. */
  terminalSize(): TerminalSize | undefined;
  /** Whether a person watches standard error. */
  stderrIsTerminal(): boolean;
  /** Unix milliseconds. */
  now(): number;
  /** Monotonic time. */
  clock(): Promise<Clock>;
  /** Writes to standard output and resolves when all of it is taken, or rejects. */
  printer(): Promise<(text: string) => Promise<void>>;
  /** A file's bytes. */
  readFile(path: string): Promise<Uint8Array>;
  /** Whether SORACOM_VERBOSE asks for what goes to the API and comes from it, as in soratun. */
  readonly isVerbose: boolean;
  /** Takes that text, where it is asked for. */
  readonly dump: ((text: string) => void) | undefined;
  /** Where soracom-cli's profiles are looked for, unless SORACOM_PROFILE_DIR says otherwise. */
  homeFolder(): string;
  /**
   * The folder for what arc.json cannot take: $STATE_DIRECTORY of a service, else arctun's in
   * $XDG_STATE_HOME or ~/.local/state.
   */
  stateFolder(): string;
  /** The folders for the control sockets of running tunnels, the one to be taken first. */
  runFolders(): readonly string[];
  localConnections(): Promise<LocalConnections>;
}

async function stopSignal(): Promise<AbortSignal> {
  return (await import('../platform/signals.js')).stopSignal();
}

export function createContext(version: string): Context {
  let signal: Promise<AbortSignal> | undefined;
  const userAgent = `arctun/${version} (${process.platform} ${process.arch} ${process.version})`;
  return {
    env: process.env,
    userAgent,
    platform: process.platform,
    isVerbose: isVerbose(),
    dump: isVerbose() ? writeStandardError : undefined,
    files: async () => (await import('../platform/files.js')).systemFiles,
    journals: async () => (await import('../platform/journal.js')).systemJournals,
    privateFiles: async () => (await import('../platform/private-file.js')).systemPrivateFiles,
    commands: async () => (await import('../platform/command-runner.js')).systemCommands,
    serviceManager,
    log: async ({ level, format }) => (await import('../platform/log.js')).createLog(level, format),
    tunnelPorts,
    deviceTunnels,
    localDeviceTunnels,
    deviceObstacle,
    localListeners: async () => (await import('../platform/local-listener.js')).localListeners,
    parentThread: async () => {
      const { parentThread, threadData } = await import('../platform/thread.js');
      return { channel: parentThread(), data: threadData() };
    },
    captureFile: async (path, header, log) =>
      (await import('../platform/capture-file.js')).createCaptureFile(path, log, { header }),
    resolver: async () => (await import('../platform/resolver.js')).systemResolver,
    soracomClients: (patience) => soracomClients(userAgent, patience),
    keyPairs,
    publicKeyOf,
    stopSignal: () => (signal ??= stopSignal()),
    reloadRequests: async () => (await import('../platform/signals.js')).reloadRequests(),
    readStdin: async () => (await import('../platform/input.js')).readStdin(),
    stdinIsTerminal: () => process.stdin.isTTY,
    printer: async () => (await import('../platform/output.js')).writeStandardOutput,
    readFile: async (path) => (await import('../platform/input.js')).readWholeFile(path),
    isInteractive: () => process.stdin.isTTY && process.stderr.isTTY,
    terminalColumns: () => (process.stdout.isTTY ? process.stdout.columns : undefined),
    terminalSize,
    stderrIsTerminal: () => process.stderr.isTTY,
    now: () => Date.now(),
    clock: async () => (await import('../platform/clock.js')).systemClock,
    homeFolder: homedir,
    stateFolder: () => stateFolder(),
    runFolders: () => runFolders(),
    localConnections: async () =>
      (await import('../platform/local-connection.js')).localConnections,
  };
}

function terminalSize(): TerminalSize | undefined {
  const { isTTY, columns, rows } = process.stdout;
  // A terminal that nobody looks at may have no size: it is taken for a VT100.
  return isTTY ? { columns: columns || 80, rows: rows || 24 } : undefined;
}

function isVerbose(): boolean {
  return (process.env.SORACOM_VERBOSE ?? '') !== '';
}

function writeStandardError(text: string): void {
  process.stderr.write(text);
}

async function serviceManager(log: Log): Promise<ServiceManager | undefined> {
  const [{ openServiceManager }, { systemCommands: commands }] = await Promise.all([
    import('../platform/service-notifications.js'),
    import('../platform/command-runner.js'),
  ]);
  return openServiceManager({ commands, log });
}

async function soracomClients(
  userAgent: string,
  patience: ClientPatience = {},
): Promise<(credentials: Credentials, signal?: AbortSignal) => SoracomClient> {
  const { SoracomClient } = await import('../soracom/client.js');
  return ({ endpoint, headers }, signal) =>
    new SoracomClient({
      endpoint,
      headers,
      userAgent,
      ...patience,
      onWait: (text) => writeStandardError(`${text}\n`),
      ...(isVerbose() && { dump: writeStandardError }),
      ...(signal && { signal }),
    });
}

async function keyPairs(): Promise<() => KeyPair> {
  const { systemEntropy } = await import('../platform/entropy.js');
  const publicKey = await publicKeyOf();
  return () => {
    const privateKey = createPrivateKey(systemEntropy);
    return { privateKey: new Secret(privateKey), publicKey: publicKey(privateKey) };
  };
}

async function publicKeyOf(): Promise<(privateKey: Uint8Array) => Uint8Array> {
  return (await import('../crypto/key-pair.js')).publicKeyOf;
}

async function deviceTunnels(options: TunnelThreadOptions): Promise<DeviceTunnels | undefined> {
  const { hasLinuxNetwork } = await import('../platform/linux/linux-network.js');
  if (!(await hasLinuxNetwork())) return undefined;
  const [{ RemoteTunnels }, { startThread }, { systemClock }] = await Promise.all([
    import('../tunnel/thread/remote-tunnels.js'),
    import('../platform/thread.js'),
    import('../platform/clock.js'),
  ]);
  const entry = new URL('./tunnel-thread.js', import.meta.url);
  return new RemoteTunnels(() => startThread(entry, options), systemClock);
}

async function localDeviceTunnels(ports: TunnelPorts): Promise<DeviceTunnels | undefined> {
  const network = await linuxNetwork();
  if (network === undefined) return undefined;
  const { LocalDeviceTunnels } = await import('../tunnel/device-tunnel.js');
  return new LocalDeviceTunnels(network.devices, ports);
}

/** One for the thread: its sockets and interfaces wait together. */
let network: Promise<LinuxNetwork | undefined> | undefined;

function linuxNetwork(): Promise<LinuxNetwork | undefined> {
  network ??= import('../platform/linux/linux-network.js').then(({ linuxNetwork: load }) => load());
  return network;
}

async function datagramSockets(choice: SocketChoice): Promise<DatagramSockets> {
  const batched = choice === 'dgram' ? undefined : (await linuxNetwork())?.sockets;
  if (batched !== undefined) return batched;
  if (choice === 'batch') {
    throw new UserError('failed', {
      what: 'cannot use --socket batch',
      why: 'it needs Linux, and the optional package koffi, which does not load here',
      next: ['Use --socket auto.'],
    });
  }
  return (await import('../platform/udp-socket.js')).udpSockets;
}

async function deviceObstacle(name: string): Promise<PacketDeviceRefusal | undefined> {
  if (process.platform !== 'linux') return undefined;
  const { deviceObstacle } = await import('../platform/linux/device-obstacle.js');
  return deviceObstacle(name, process.geteuid?.() ?? -1);
}

async function tunnelPorts(log: Log, socket: SocketChoice = 'dgram'): Promise<TunnelPorts> {
  const [{ selectCrypto }, { systemEntropy }, clocks, sockets, { systemResolver }, stamps] =
    await Promise.all([
      import('../crypto/select.js'),
      import('../platform/entropy.js'),
      import('../platform/clock.js'),
      datagramSockets(socket),
      import('../platform/resolver.js'),
      import('../platform/timestamps.js'),
    ]);
  return {
    crypto: await selectCrypto(),
    entropy: systemEntropy,
    wallClock: clocks.systemWallClock,
    clock: clocks.systemClock,
    sockets,
    resolver: systemResolver,
    log,
    timestamps: stamps.createTimestampStore(stateFolder(), log),
  };
}
