/**
 * The composition root of every command. Provides access to the operating system, except for the
 * SORACOM API and network interfaces. Modules that are slow to load are loaded on first use.
 */
import { homedir } from 'node:os';

import { createPrivateKey, type KeyPair } from '../lib/secrets/key-pair.js';
import type { Log, LogOptions } from '../ports/log.js';
import { Secret } from '../lib/secrets/secret.js';
import type { ServiceManager } from '../ports/service-manager.js';
import type { SpoolAccess } from '../ports/stores/spool-folder.js';
import { runFolders } from '../system/files/state-folder.js';
import { stateFolder } from '../system/files/state-folder.js';
import { renderText } from './output/render.js';
import type { TerminalSize } from './run/watch.js';

export type SystemContext = Readonly<ReturnType<typeof createSystemContext>>;

/** Loads the adapters, which commands such as `version` do not need. */
const adapters = () => import('./system-adapters.js');

export function createSystemContext(version: string) {
  let signal: Promise<AbortSignal> | undefined;
  return {
    env: process.env as Readonly<Record<string, string | undefined>>,
    userAgent: `arctun/${version} (${process.platform} ${process.arch} ${process.version})`,
    platform: process.platform as string,
    /** Whether SORACOM_VERBOSE requests a dump of API requests and responses, as in soratun. */
    isVerbose: isVerbose(),
    /** Receives the dump of API calls; undefined if SORACOM_VERBOSE is not set. */
    dump: isVerbose() ? writeStandardError : undefined,
    files: async () => (await adapters()).systemFiles,
    journals: async () => (await adapters()).systemJournals,
    /** Reads secret files of other programs, and checks that other users cannot read them. */
    privateFiles: async () => (await adapters()).systemPrivateFiles,
    /** Opens the folder of a spool. */
    openSpoolFolder: async (path: string, access?: SpoolAccess) =>
      (await adapters()).openSpoolFolder(path, access),
    entropy: async () => (await adapters()).systemEntropy,
    commands: async () => (await adapters()).systemCommands,
    serviceManager,
    /**
     * Returns the sockets that the service manager passed to this process. Must be called once,
     * before any command runs, because it removes environment variables that child processes must
     * not inherit.
     */
    passedSockets: async () => (await adapters()).takePassedSockets(),
    log: async ({ level, format }: LogOptions) =>
      (await import('../system/log.js')).createLog(level, format),
    captureFile: async (path: string, header: readonly Uint8Array[], log: Log) =>
      (await adapters()).createCaptureFile(path, log, { header }),
    resolver: async () => (await adapters()).systemResolver,
    keyPairs,
    publicKeyOf,
    /**
     * Returns a signal that aborts at the first SIGINT, SIGTERM or SIGHUP; the second ends the
     * process. After reloadRequests() is called, SIGHUP is not a stop signal.
     */
    stopSignal: () => (signal ??= stopSignal()),
    /** Makes SIGHUP request a configuration reload; undefined if SIGHUP remains a stop signal. */
    reloadRequests: async () => (await adapters()).reloadRequests(),
    /** Makes V8's garbage collection use fewer threads and less memory. */
    tuneGarbageCollection: async () => (await adapters()).tuneGarbageCollection(),
    /** Stops the growth of V8's young generation; call after startup, which fills it. */
    limitYoungGeneration: async () => (await adapters()).limitYoungGeneration(),
    readStdin: async () => (await adapters()).readStdin(),
    stdinIsTerminal: () => process.stdin.isTTY,
    /**
     * Returns a function that writes to standard output. The function's promise resolves when all
     * text is written, and rejects if writing fails.
     */
    printer: async () => (await adapters()).writeStandardOutput,
    readFile: async (path: string) => (await adapters()).readWholeFile(path),
    /** Whether the user can be prompted. Prompts appear on standard error. */
    isInteractive: () => process.stdin.isTTY && process.stderr.isTTY,
    /** Returns the terminal's width in columns; undefined if standard output is not a terminal. */
    terminalColumns: () => (process.stdout.isTTY ? process.stdout.columns : undefined),
    terminalSize,
    stderrIsTerminal: () => process.stderr.isTTY,
    /** Returns the time in Unix milliseconds. */
    now: () => Date.now(),
    /** Returns the monotonic clock. */
    clock: async () => (await adapters()).systemClock,
    /**
     * Returns the folder that contains soracom-cli's profiles, unless SORACOM_PROFILE_DIR is set.
     */
    homeFolder: homedir,
    /**
     * Returns the folder for state that cannot be stored in arc.json: a service's $STATE_DIRECTORY,
     * otherwise arctun's folder in $XDG_STATE_HOME or ~/.local/state.
     */
    stateFolder: () => stateFolder(),
    /** Returns the folders for the control sockets of running tunnels, the preferred one first. */
    runFolders: () => runFolders(),
    localConnections: async () => (await adapters()).localConnections,
    /** Detects which process on this machine is using a WireGuard key. */
    keyClaims: async () => (await adapters()).createKeyClaims(),
    /** Detects which process is listening on a port on this machine. */
    portHolder: async () => (await adapters()).portHolder,
    localListeners: async () => (await adapters()).localListeners,
    /** Connects to local sockets of other processes as byte streams. */
    localStreams: async () => (await adapters()).localStreams,
    /** Opens sockets of the operating system that are bound to a local address. */
    boundSockets: async () => (await adapters()).boundSockets,
    /** Runs a program in place of this process. */
    foregroundPrograms: async () => (await adapters()).foregroundPrograms,
    /** Returns a function that opens standard input and output as streams. */
    standardStreams: async () => (await adapters()).standardStreams,
    /** The parts of the operating system that only `doctor` checks. */
    doctorSystem,
  };
}

async function doctorSystem() {
  const { makePrivate, tryFolder, tryListen } = await adapters();
  const user = process.geteuid?.();
  return { makePrivate, tryFolder, tryListen, user, nodeVersion: process.version };
}

async function stopSignal(): Promise<AbortSignal> {
  return (await adapters()).stopSignal();
}

/** Returns the terminal's columns and rows; undefined without a terminal. */
function terminalSize(): TerminalSize | undefined {
  const { isTTY, columns, rows } = process.stdout;
  // A terminal without a display may not report its size; assume that of a VT100.
  return isTTY ? { columns: columns || 80, rows: rows || 24 } : undefined;
}

function isVerbose(): boolean {
  return (process.env.SORACOM_VERBOSE ?? '') !== '';
}

function writeStandardError(text: string): void {
  process.stderr.write(renderText(text));
}

/**
 * Returns the service manager that started this process; undefined if no service manager expects
 * notifications. Must be called once, before any command runs, because it removes environment
 * variables that child processes must not inherit.
 */
async function serviceManager(log: Log): Promise<ServiceManager | undefined> {
  const { openServiceManager, systemCommands: commands } = await adapters();
  return openServiceManager({ commands, log });
}

/** Returns a function that generates X25519 key pairs. */
async function keyPairs(): Promise<() => KeyPair> {
  const { systemEntropy } = await adapters();
  const publicKey = await publicKeyOf();
  return () => {
    const privateKey = createPrivateKey(systemEntropy);
    return { privateKey: new Secret(privateKey), publicKey: publicKey(privateKey) };
  };
}

/** Returns a function that derives the public key of an X25519 private key. */
async function publicKeyOf(): Promise<(privateKey: Uint8Array) => Uint8Array> {
  return (await import('../crypto/key-pair.js')).publicKeyOf;
}
