/** A local emulator of SORACOM: its API, and an Arc server for the API's sessions. */
import type { Crypto } from '../crypto/crypto.js';
import type { WallClock } from '../ports/clock.js';
import type { Entropy } from '../ports/entropy.js';
import { createPrivateKey } from '../lib/secrets/key-pair.js';
import { Secret } from '../lib/secrets/secret.js';
import { formatAuthority } from '../lib/text/http-syntax.js';
import type { BrowserPolicy } from '../proxy/http/browser-check.js';
import type { ApiRequest } from './api/request-log.js';
import { type ApiServer, createApiServer, METADATA_ROOT } from './api/server.js';
import type { ArcNetwork, CreateArcNetwork } from './arc-network.js';
import { startArcServer } from './arc-server.js';
import type { RawResponse } from './endpoints/unified-raw.js';
import { MessageStore } from './messages.js';
import { PlatformState, type SavedPlatform } from './platform-state.js';
import { SERVICE_ADDRESSES } from './services.js';
import type { StateFile } from './state-file.js';
import { type AuthKeyUser, DEFAULT_USER, type EmulatorUser, MINIMAL_USER } from './users.js';

export interface EmulatorOptions {
  /** The API's listening host; defaults to 127.0.0.1. */
  readonly apiHost?: string;
  /** The API's listening port; 0 selects a free port. */
  readonly apiPort?: number;
  /** The Arc server's listening host; defaults to 127.0.0.1. */
  readonly arcHost?: string;
  /** The Arc server's UDP port; 0 selects a free port. */
  readonly arcPort?: number;
  /** The Arc server's host to use in API responses, if it differs from the listening host. */
  readonly arcAdvertisedHost?: string;
  /** The emulator's users. startEmulator() returns the credentials of the first user. */
  readonly users?: readonly [AuthKeyUser, ...EmulatorUser[]];
  /** How the Unified Endpoint responds over TCP and UDP; defaults to the status. */
  readonly rawAnswer?: RawResponse;
  /** Which requests browsers may send to the API. */
  readonly browsers?: BrowserPolicy;
  /** Called for each API call, before its response is sent. */
  readonly onApiRequest?: (request: ApiRequest) => void;
}

export interface EmulatorPorts {
  readonly crypto: Pick<Crypto, 'publicKey'>;
  readonly entropy: Entropy;
  readonly wallClock: WallClock;
  readonly createNetwork: CreateArcNetwork;
  /**
   * Stores the emulator's state across restarts; if undefined, the state is kept only in memory.
   */
  readonly stateFile?: StateFile;
}

export interface Emulator {
  /** The base URL of the API and Krypton, without the version: `http://127.0.0.1:18080`. */
  readonly api: string;
  /** The base URL of the metadata service for cellular connections. */
  readonly metadata: string;
  /** The Arc server's endpoint in API responses: `127.0.0.1:11010`. */
  readonly arc: string;
  readonly authKeyId: string;
  readonly authKey: string;
  /** The messages that arrived through the tunnel. */
  readonly messages: MessageStore;
  close(): Promise<void>;
}

/** The error if one of the emulator's two addresses is unavailable. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly side: 'api' | 'arc';
  /** The system's error code: EADDRINUSE, EACCES … */
  readonly code: string;

  constructor(side: 'api' | 'arc', cause: NodeJS.ErrnoException) {
    super(`cannot open the ${side} listener: ${cause.code ?? cause.message}`, { cause });
    this.side = side;
    this.code = cause.code ?? '';
  }
}

export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_API_PORT = 18080;
export const DEFAULT_ARC_PORT = 11010;

export const BUILT_IN_USERS = [DEFAULT_USER, MINIMAL_USER] as const;

/**
 * Starts the API and the Arc server; resolves when both are listening. If an error occurs, neither
 * stays open.
 *
 * @throws ListenError if an address is unavailable
 * @throws UserError if the state file cannot be used
 */
export async function startEmulator(
  options: EmulatorOptions,
  ports: EmulatorPorts,
): Promise<Emulator> {
  const saved = await ports.stateFile?.load();
  const privateKey = saved?.arcServerPrivateKey ?? new Secret(createPrivateKey(ports.entropy));
  const network = await listenOn('arc', () =>
    ports.createNetwork({
      listen: {
        address: options.arcHost ?? DEFAULT_HOST,
        port: options.arcPort ?? DEFAULT_ARC_PORT,
      },
      privateKey: new Secret(Uint8Array.from(privateKey.expose())),
      addresses: SERVICE_ADDRESSES,
    }),
  );
  try {
    return await startOn(network, options, ports, privateKey, saved?.platform);
  } catch (error) {
    await network.close();
    throw error;
  }
}

async function startOn(
  network: ArcNetwork,
  options: EmulatorOptions,
  ports: EmulatorPorts,
  privateKey: Secret<Uint8Array>,
  saved: SavedPlatform | undefined,
): Promise<Emulator> {
  const { users = BUILT_IN_USERS, onApiRequest, rawAnswer = 'status' } = options;
  const { stateFile, wallClock } = ports;
  const { address, port } = network.endpoint;
  const arc = formatAuthority({ host: options.arcAdvertisedHost ?? address, port });
  let serverKey = privateKey;
  const messages = new MessageStore();
  const state = new PlatformState({ ...ports, arc: network, users }, saved);
  const saveState = async (): Promise<void> =>
    stateFile?.save(() => ({ arcServerPrivateKey: serverKey, platform: state.save() }));
  await saveState();
  const apiServer = await createApiServer({
    state,
    arcServer: {
      get publicKey() {
        return network.publicKey;
      },
      endpoint: arc,
    },
    renewServerKey: () => {
      serverKey = new Secret(createPrivateKey(ports.entropy));
      // Pass a copy, because the network may wipe the key.
      state.sims.setServerKey(new Secret(Uint8Array.from(serverKey.expose())));
    },
    messages,
    network,
    wallClock,
    saveState,
    ...(options.browsers && { browsers: options.browsers }),
    ...(onApiRequest && { onRequest: onApiRequest }),
  });
  const closeArcServer = startArcServer({ network, state, messages, wallClock, rawAnswer });
  const api = await openApi(apiServer, options);
  const [{ authKeyId, authKey }] = users;
  return {
    api,
    metadata: `${api}${METADATA_ROOT}`,
    arc,
    authKeyId,
    authKey,
    messages,
    close: async () => {
      await apiServer.close();
      await closeArcServer();
    },
  };
}

/** @returns the API's base URL */
async function openApi(server: ApiServer, { apiHost, apiPort }: EmulatorOptions): Promise<string> {
  const { address, port } = await listenOn('api', () =>
    server.listen(apiHost ?? DEFAULT_HOST, apiPort ?? DEFAULT_API_PORT),
  );
  return `http://${formatAuthority({ host: address, port })}`;
}

async function listenOn<T>(side: 'api' | 'arc', open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    throw new ListenError(side, error as NodeJS.ErrnoException);
  }
}
