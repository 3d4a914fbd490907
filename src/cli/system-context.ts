/**
 * The composition root of every command. Provides access to the operating system, except for the
 * SORACOM API and network interfaces. Modules that are slow to load are loaded on first use.
 */
import { homedir } from 'node:os';

import type { PortHolder } from '../app/up/port-taken.js';
import type { Files } from '../ports/files.js';
import type { Journals } from '../ports/journals.js';
import type { CommandRunner } from '../ports/command-runner.js';
import { createPrivateKey, type KeyPair } from '../lib/secrets/key-pair.js';
import type { PrivateFiles } from '../ports/private-files.js';
import type { ReloadRequests } from '../ports/reload-requests.js';
import type { ServiceManager } from '../ports/service-manager.js';
import { Secret } from '../lib/secrets/secret.js';
import { runFolders } from '../system/files/run-folders.js';
import { stateFolder } from '../system/files/state-folder.js';
import type { CaptureFile } from '../ports/capture-file.js';
import type { Clock } from '../ports/clock.js';
import type { KeyClaims } from '../ports/key-claims.js';
import type { LocalConnections, LocalListeners } from '../ports/local-sockets.js';
import type { Log } from '../ports/log.js';
import type { Resolver } from '../ports/resolver.js';
import { renderText } from './output/render.js';
import type { LogOptions } from './log-options.js';
import type { TerminalSize } from './run/watch.js';

export interface SystemContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `arctun/VERSION (platform arch node)`. */
  readonly userAgent: string;
  readonly platform: string;
  files(): Promise<Files>;
  journals(): Promise<Journals>;
  /** Reads other programs' secret files, and checks that no other user can read them. */
  privateFiles(): Promise<PrivateFiles>;
  commands(): Promise<CommandRunner>;
  /**
   * Returns the service manager that started this process; undefined if no service manager expects
   * notifications. Must be called once, before any command runs, because it removes environment
   * variables that child processes must not inherit.
   */
  serviceManager(log: Log): Promise<ServiceManager | undefined>;
  log(options: LogOptions): Promise<Log>;
  captureFile(path: string, header: readonly Uint8Array[], log: Log): Promise<CaptureFile>;
  resolver(): Promise<Resolver>;
  /** Returns a function that generates X25519 key pairs. */
  keyPairs(): Promise<() => KeyPair>;
  /** Returns a function that derives the public key of an X25519 private key. */
  publicKeyOf(): Promise<(privateKey: Uint8Array) => Uint8Array>;
  /**
   * Returns a signal that aborts at the first SIGINT, SIGTERM or SIGHUP; the second ends the
   * process. After reloadRequests() is called, SIGHUP is not a stop signal.
   */
  stopSignal(): Promise<AbortSignal>;
  /** Makes SIGHUP request a configuration reload; undefined if SIGHUP remains a stop signal. */
  reloadRequests(): Promise<ReloadRequests | undefined>;
  readStdin(): Promise<Uint8Array>;
  stdinIsTerminal(): boolean;
  /** Whether the user can be prompted; prompts appear on standard error. */
  isInteractive(): boolean;
  /** Returns the terminal's width in columns; undefined if standard output is not a terminal. */
  terminalColumns(): number | undefined;
  /** Returns the terminal's columns and rows; undefined without a terminal. */
  terminalSize(): TerminalSize | undefined;
  stderrIsTerminal(): boolean;
  /** Unix milliseconds. */
  now(): number;
  /** Returns the monotonic clock. */
  clock(): Promise<Clock>;
  /**
   * Returns a function that writes to standard output. The function's promise resolves when all
   * text is written, and rejects if writing fails.
   */
  printer(): Promise<(text: string) => Promise<void>>;
  readFile(path: string): Promise<Uint8Array>;
  /** Whether SORACOM_VERBOSE requests a dump of API requests and responses, as in soratun. */
  readonly isVerbose: boolean;
  /** Receives the dump of API calls; undefined if SORACOM_VERBOSE is not set. */
  readonly dump: ((text: string) => void) | undefined;
  /** Returns the folder that contains soracom-cli's profiles, unless SORACOM_PROFILE_DIR is set. */
  homeFolder(): string;
  /**
   * Returns the folder for state that cannot be stored in arc.json: a service's $STATE_DIRECTORY,
   * otherwise arctun's folder in $XDG_STATE_HOME or ~/.local/state.
   */
  stateFolder(): string;
  /** Returns the folders for the control sockets of running tunnels, the preferred one first. */
  runFolders(): readonly string[];
  localConnections(): Promise<LocalConnections>;
  /** Detects which process on this machine uses a WireGuard key. */
  keyClaims(): Promise<KeyClaims>;
  /** Detects which process listens on a port of this machine. */
  portHolder(): Promise<PortHolder>;
  localListeners(): Promise<LocalListeners>;
}

async function stopSignal(): Promise<AbortSignal> {
  return (await import('../system/process/signals.js')).stopSignal();
}

export function createSystemContext(version: string): SystemContext {
  let signal: Promise<AbortSignal> | undefined;
  const userAgent = `arctun/${version} (${process.platform} ${process.arch} ${process.version})`;
  return {
    env: process.env,
    userAgent,
    platform: process.platform,
    isVerbose: isVerbose(),
    dump: isVerbose() ? writeStandardError : undefined,
    files: async () => (await import('../system/files/files.js')).systemFiles,
    journals: async () => (await import('../system/files/journal.js')).systemJournals,
    privateFiles: async () =>
      (await import('../system/files/read-private-file.js')).systemPrivateFiles,
    commands: async () => (await import('../system/process/command-runner.js')).systemCommands,
    serviceManager,
    log: async ({ level, format }) => (await import('../system/log.js')).createLog(level, format),
    captureFile: async (path, header, log) =>
      (await import('../system/files/capture-file.js')).createCaptureFile(path, log, { header }),
    resolver: async () => (await import('../system/network/resolver.js')).systemResolver,
    keyPairs,
    publicKeyOf,
    stopSignal: () => (signal ??= stopSignal()),
    reloadRequests: async () => (await import('../system/process/signals.js')).reloadRequests(),
    readStdin: async () => (await import('../system/files/input.js')).readStdin(),
    stdinIsTerminal: () => process.stdin.isTTY,
    printer: async () => (await import('../system/files/output.js')).writeStandardOutput,
    readFile: async (path) => (await import('../system/files/input.js')).readWholeFile(path),
    isInteractive: () => process.stdin.isTTY && process.stderr.isTTY,
    terminalColumns: () => (process.stdout.isTTY ? process.stdout.columns : undefined),
    terminalSize,
    stderrIsTerminal: () => process.stderr.isTTY,
    now: () => Date.now(),
    clock: async () => (await import('../system/clock.js')).systemClock,
    homeFolder: homedir,
    stateFolder: () => stateFolder(),
    runFolders: () => runFolders(),
    localConnections: async () =>
      (await import('../system/network/local-connection.js')).localConnections,
    keyClaims: async () => (await import('../system/network/key-claims.js')).createKeyClaims(),
    portHolder: async () => (await import('../system/network/port-holder.js')).portHolder,
    localListeners: async () =>
      (await import('../system/network/local-listener.js')).localListeners,
  };
}

function terminalSize(): TerminalSize | undefined {
  const { isTTY, columns, rows } = process.stdout;
  // A terminal without a display may report no size; assume a VT100.
  return isTTY ? { columns: columns || 80, rows: rows || 24 } : undefined;
}

function isVerbose(): boolean {
  return (process.env.SORACOM_VERBOSE ?? '') !== '';
}

function writeStandardError(text: string): void {
  process.stderr.write(renderText(text));
}

async function serviceManager(log: Log): Promise<ServiceManager | undefined> {
  const [{ openServiceManager }, { systemCommands: commands }] = await Promise.all([
    import('../system/process/service-notifications.js'),
    import('../system/process/command-runner.js'),
  ]);
  return openServiceManager({ commands, log });
}

async function keyPairs(): Promise<() => KeyPair> {
  const { systemEntropy } = await import('../system/entropy.js');
  const publicKey = await publicKeyOf();
  return () => {
    const privateKey = createPrivateKey(systemEntropy);
    return { privateKey: new Secret(privateKey), publicKey: publicKey(privateKey) };
  };
}

async function publicKeyOf(): Promise<(privateKey: Uint8Array) => Uint8Array> {
  return (await import('../crypto/key-pair.js')).publicKeyOf;
}
