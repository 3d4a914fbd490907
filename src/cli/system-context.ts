/**
 * The composition root of every command: what touches the operating system, and neither the SORACOM
 * API nor network interfaces. What is slow to load is loaded when it is first asked for.
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
  /** Makes a new file for a capture, with its header. */
  captureFile(path: string, header: readonly Uint8Array[], log: Log): Promise<CaptureFile>;
  resolver(): Promise<Resolver>;
  /** Makes X25519 key pairs. */
  keyPairs(): Promise<() => KeyPair>;
  /** Computes the public key of an X25519 private key. */
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
  /** Which process of this machine uses a WireGuard key. */
  keyClaims(): Promise<KeyClaims>;
  /** Which process listens on a port of this machine. */
  portHolder(): Promise<PortHolder>;
  /** Sockets at paths of the file system. */
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
  // A terminal that nobody looks at may have no size: it is taken for a VT100.
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
