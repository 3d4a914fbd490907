/** The local SORACOM platform: its API, and the Arc side that the API's sessions lead to. */
import { isIPv6 } from 'node:net';

import type { Crypto } from '../crypto/crypto.js';
import type { WallClock } from '../ports/clock.js';
import type { Entropy } from '../ports/entropy.js';
import { createPrivateKey } from '../lib/secrets/key-pair.js';
import { Secret } from '../lib/secrets/secret.js';
import type { BrowserPolicy } from '../proxy/http/browser-check.js';
import type { ApiRequest } from './api/request-log.js';
import { type ApiServer, createApiServer, METADATA_ROOT } from './api/server.js';
import type { ArcNetwork, CreateArcNetwork } from './arc-network.js';
import { startArcServer } from './arc-server.js';
import type { RawResponse } from './endpoints/unified-raw.js';
import { ListenError } from './emulator-listen-error.js';
import { MessageStore } from './messages.js';
import { PlatformState } from './platform-state.js';
import { SERVICE_ADDRESSES } from './services.js';
import type { SavedState, StateFile } from './state-file.js';
import { type AuthKeyUser, DEFAULT_USER, type EmulatorUser, MINIMAL_USER } from './users.js';

export interface EmulatorOptions {
  /** Where the API listens; 127.0.0.1 unless said otherwise. */
  readonly apiHost?: string;
  /** Port 0 takes any free one. */
  readonly apiPort?: number;
  /** Where the Arc side listens; 127.0.0.1 unless said otherwise. */
  readonly arcHost?: string;
  /** Port 0 takes any free one. */
  readonly arcPort?: number;
  /** The Arc side's host as clients are told of it, where it is not the one that it listens on. */
  readonly arcAdvertisedHost?: string;
  /** The first one is named in the result. */
  readonly users?: readonly [AuthKeyUser, ...EmulatorUser[]];
  /** How the Unified Endpoint answers over TCP and UDP; with the status unless said otherwise. */
  readonly rawAnswer?: RawResponse;
  /** What browsers may send to the API. */
  readonly browsers?: BrowserPolicy;
  /** Called for each call on the API, before it is answered. */
  readonly onApiRequest?: (request: ApiRequest) => void;
}

export interface EmulatorPorts {
  readonly crypto: Pick<Crypto, 'publicKey'>;
  readonly entropy: Entropy;
  readonly wallClock: WallClock;
  readonly createNetwork: CreateArcNetwork;
  /** Where the platform outlives the process; it is in memory alone without one. */
  readonly stateFile?: StateFile;
}

export interface Emulator {
  /** The API's base URL without the version: `http://127.0.0.1:18080`. Krypton has the same. */
  readonly api: string;
  /** The base URL of the metadata service as the cellular line has it. */
  readonly metadata: string;
  /** The Arc side as clients are told of it: `127.0.0.1:11010`. */
  readonly arc: string;
  readonly authKeyId: string;
  readonly authKey: string;
  /** What has arrived behind the tunnel. */
  readonly messages: MessageStore;
  close(): Promise<void>;
}

export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_API_PORT = 18080;
export const DEFAULT_ARC_PORT = 11010;

/** The users of an emulator that is given none. */
export const BUILT_IN_USERS = [DEFAULT_USER, MINIMAL_USER] as const;

/**
 * Starts both sides; resolves when they listen. Nothing stays open where it throws.
 *
 * @throws ListenError where an address cannot be had
 * @throws UserError where the state file cannot be used
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
    return await startOn(network, options, ports, { privateKey, saved });
  } catch (error) {
    await network.close();
    throw error;
  }
}

interface Origin {
  /** The Arc server's. */
  readonly privateKey: Secret<Uint8Array>;
  readonly saved: SavedState | undefined;
}

async function startOn(
  network: ArcNetwork,
  options: EmulatorOptions,
  ports: EmulatorPorts,
  { privateKey, saved }: Origin,
): Promise<Emulator> {
  const { users = BUILT_IN_USERS, onApiRequest, rawAnswer = 'status' } = options;
  const { stateFile, wallClock } = ports;
  const { address, port } = network.endpoint;
  const arc = hostAndPort(options.arcAdvertisedHost ?? address, port);
  let serverKey = privateKey;
  const messages = new MessageStore();
  const state = new PlatformState({ ...ports, arc: network, users }, saved?.platform);
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
      // The network may wipe what it is given.
      state.sims.setServerKey(new Secret(Uint8Array.from(serverKey.expose())));
    },
    messages,
    wallClock,
    saveState,
    ...(options.browsers && { browsers: options.browsers }),
    ...(onApiRequest && { onRequest: onApiRequest }),
  });
  const arcServer = startArcServer({ network, state, messages, wallClock, rawAnswer });
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
      await arcServer.close();
    },
  };
}

/** @returns the API's base URL */
async function openApi(server: ApiServer, { apiHost, apiPort }: EmulatorOptions): Promise<string> {
  const { address, port } = await listenOn('api', () =>
    server.listen(apiHost ?? DEFAULT_HOST, apiPort ?? DEFAULT_API_PORT),
  );
  return `http://${hostAndPort(address, port)}`;
}

async function listenOn<T>(side: 'api' | 'arc', open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    throw new ListenError(side, error as NodeJS.ErrnoException);
  }
}

function hostAndPort(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
