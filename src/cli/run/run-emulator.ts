/** Runs the emulator until it is stopped. */
import { isIP } from 'node:net';

import { type PortHolder, withPortHolder } from '../../app/up/port-taken.js';
import {
  BUILT_IN_USERS,
  DEFAULT_API_PORT,
  DEFAULT_ARC_PORT,
  DEFAULT_HOST,
  type Emulator,
  ListenError,
  startEmulator,
} from '../../emulator/emulator.js';
import { RAW_ANSWERS, type RawResponse } from '../../emulator/endpoints/unified-raw.js';
import { StateFile, type StateFiles } from '../../emulator/state-file.js';
import { parseUserList } from '../../emulator/users.js';
import { openWireGuardNetwork } from '../../emulator/wireguard-network.js';
import { fileFaultKind } from '../../lib/errors/file-fault.js';
import { fromSetting } from '../../lib/errors/from-setting.js';
import { type FailureKind, UserError } from '../../lib/errors/user-error.js';
import { whenAborted } from '../../lib/waits.js';
import { isDenied } from '../../lib/errors/error-message.js';
import { listenFault } from '../../lib/errors/listen-fault.js';
import type { BrowserPolicy } from '../../proxy/http/browser-check.js';
import { isLoopback, parseListenAddress } from '../../proxy/listen-address.js';
import { warnOfStrangers } from '../../proxy/open-port.js';
import type { Log } from '../../ports/log.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';

export { RAW_ANSWERS };

/** The default listening addresses of the emulator, as `ADDRESS:PORT`. */
export const DEFAULT_API_LISTEN = `${DEFAULT_HOST}:${DEFAULT_API_PORT}`;
export const DEFAULT_ARC_LISTEN = `${DEFAULT_HOST}:${DEFAULT_ARC_PORT}`;

export interface RunEmulatorOptions {
  /** The API's listening address as `ADDRESS:PORT`. */
  readonly apiListen: string;
  readonly arcListen: string;
  /** The path of the state file; if undefined, the state is kept only in memory. */
  readonly state?: string | undefined;
  /** The path of a JSON file with additional users, or the JSON itself. */
  readonly users?: string | undefined;
  readonly rawAnswer: RawResponse;
  /** Which requests browsers may send to the API. */
  readonly browsers?: BrowserPolicy;
  readonly signal: AbortSignal;
  readonly onReady: (ready: EmulatorReady) => void;
}

/** The connection data for clients. */
export type EmulatorReady = Omit<Emulator, 'messages' | 'close'>;

export interface RunEmulatorPorts extends TunnelPorts {
  readonly portHolder: PortHolder;
  readonly files: StateFiles;
}

/** @throws UserError if an address is unavailable or a file cannot be used */
export async function runEmulator(
  options: RunEmulatorOptions,
  ports: RunEmulatorPorts,
): Promise<void> {
  const emulator = await start(options, ports);
  const { api, metadata, arc, authKeyId, authKey } = emulator;
  warnIfOpen(options.apiListen, api, ports.log);
  warnOfOpenArc(options.arcListen, arc, ports.log);
  options.onReady({ api, metadata, arc, authKeyId, authKey });
  await whenAborted(options.signal);
  await emulator.close();
}

/** Warns if other machines can reach the API, whose public credentials permit every operation. */
function warnIfOpen(apiListen: string, url: string, log: Log): void {
  const { host } = parseListenAddress(apiListen, DEFAULT_API_PORT);
  if (isLoopback(host)) return;
  const risk = 'create, change and terminate its SIMs, because the credentials are public';
  warnOfStrangers({ host, port: Number(new URL(url).port) }, risk, log);
}

/**
 * Warns if other machines can reach the Arc server, because anyone who can call the API or read an
 * arc.json can get a SIM's key.
 */
function warnOfOpenArc(arcListen: string, endpoint: string, log: Log): void {
  if (isLoopback(parseListenAddress(arcListen, DEFAULT_ARC_PORT).host)) return;
  log.warn(
    { endpoint },
    "the Arc server is open to anyone who can reach its address and has a SIM's key",
  );
}

async function start(options: RunEmulatorOptions, ports: RunEmulatorPorts): Promise<Emulator> {
  const { rawAnswer, state, apiListen, arcListen } = options;
  const api = fromSetting('--api-listen', () => parseListenAddress(apiListen, DEFAULT_API_PORT));
  const arc = fromSetting('--arc-listen', () => parseListenAddress(arcListen, DEFAULT_ARC_PORT));
  requireIpAddress(arc.host, arcListen);
  const added = options.users === undefined ? [] : await readUsers(options.users, ports.files);
  const stateFile = state === undefined ? undefined : new StateFile(state, ports.files);
  try {
    return await startEmulator(
      {
        apiHost: api.host,
        apiPort: api.port,
        arcHost: arc.host,
        arcPort: arc.port,
        users: [...BUILT_IN_USERS, ...added],
        rawAnswer,
        ...(options.browsers && { browsers: options.browsers }),
      },
      {
        ...ports,
        createNetwork: (network) => openWireGuardNetwork(network, ports),
        ...(stateFile && { stateFile }),
      },
    );
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    throw await withPortHolder(explain(error, options), ports.portHolder);
  }
}

/** Requires an IP address, because UDP sockets are bound without a name lookup. */
function requireIpAddress(host: string, arcListen: string): void {
  if (isIP(host) !== 0) return;
  throw new UserError('usage', {
    what: `cannot listen on ${arcListen} (UDP)`,
    why: 'the address must be an IP address, not a host name',
    next: ['Use the form --arc-listen 127.0.0.1:11010.'],
  });
}

/** @param source a path, or JSON that begins with `[` */
async function readUsers(source: string, files: StateFiles) {
  const isJson = source.trimStart().startsWith('[');
  const name = isJson ? 'the JSON of --users' : source;
  const text = isJson ? source : await readUserFile(source, files);
  try {
    return parseUserList(text, BUILT_IN_USERS);
  } catch (error) {
    const next = [
      'Pass a JSON array of users, as described in docs/reference/commands/emulator.md.',
    ];
    throw usersRefused('configuration', name, error as Error, next);
  }
}

async function readUserFile(path: string, files: StateFiles): Promise<string> {
  try {
    return await files.readText(path);
  } catch (error) {
    const next = ['Pass a readable file to --users.'];
    throw usersRefused(fileFaultKind(error), path, error as Error, next);
  }
}

function usersRefused(
  kind: FailureKind,
  name: string,
  cause: Error,
  next: readonly string[],
): UserError {
  return new UserError(kind, {
    what: `cannot use the users from ${name}`,
    why: cause.message,
    next,
    cause,
  });
}

function explain(error: ListenError, { apiListen, arcListen }: RunEmulatorOptions): UserError {
  const { side, code } = error;
  return new UserError(isDenied(error) ? 'permission' : 'failed', {
    what: `cannot listen on ${side === 'api' ? apiListen : `${arcListen} (UDP)`}`,
    why: listenFault(code) ?? `the operating system refused the address (${code})`,
    next: [`Choose another address with --${side}-listen; port 0 picks a free port.`],
    cause: error,
  });
}
