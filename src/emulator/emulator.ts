/** The local SORACOM platform: its API, and the Arc side that the API's sessions lead to. */
import { isIPv6 } from 'node:net';

import type { Crypto } from '../crypto/crypto.js';
import type { WallClock } from '../lib/clock.js';
import type { Entropy } from '../lib/entropy.js';
import { Secret } from '../lib/secret.js';
import type { ApiRequest } from './api/request-log.js';
import { createApiServer } from './api/server.js';
import type { ArcNetwork, CreateArcNetwork } from './arc-network.js';
import { startArcServer } from './arc-server.js';
import { MessageStore } from './messages.js';
import { createPrivateKey, type EmulatorUser, PlatformState } from './platform-state.js';
import { SERVICE_ADDRESSES } from './services.js';

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
  /** At least one. The first one is named in the result. */
  readonly users?: readonly [EmulatorUser, ...EmulatorUser[]];
  /** Called for each call on the API, before it is answered. */
  readonly onApiRequest?: (request: ApiRequest) => void;
}

export interface EmulatorPorts {
  readonly crypto: Pick<Crypto, 'publicKey'>;
  readonly entropy: Entropy;
  readonly wallClock: WallClock;
  readonly createNetwork: CreateArcNetwork;
}

export interface Emulator {
  /** The API's base URL without the version: `http://127.0.0.1:18080`. */
  readonly api: string;
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

/** The test credentials. They open nothing but an emulator. */
export const DEFAULT_USER: EmulatorUser = {
  authKeyId: 'keyId-emulator',
  authKey: 'secret-emulator',
  permissions: ['*'],
};

/**
 * Starts both sides; resolves when they listen.
 *
 * @throws Error with the system's `code` where an address cannot be had (EADDRINUSE …); nothing
 * stays open then
 */
export async function startEmulator(
  options: EmulatorOptions,
  ports: EmulatorPorts,
): Promise<Emulator> {
  const network = await ports.createNetwork({
    listen: {
      address: options.arcHost ?? DEFAULT_HOST,
      port: options.arcPort ?? DEFAULT_ARC_PORT,
    },
    privateKey: new Secret(createPrivateKey(ports.entropy)),
    addresses: SERVICE_ADDRESSES,
  });
  try {
    return await startOn(network, options, ports);
  } catch (error) {
    await network.close();
    throw error;
  }
}

async function startOn(
  network: ArcNetwork,
  options: EmulatorOptions,
  { crypto, entropy, wallClock }: EmulatorPorts,
): Promise<Emulator> {
  const { users = [DEFAULT_USER], onApiRequest } = options;
  const { address, port } = network.endpoint;
  const arc = hostAndPort(options.arcAdvertisedHost ?? address, port);
  const messages = new MessageStore();
  const state = new PlatformState({ crypto, entropy, wallClock, arc: network, users });
  const apiServer = await createApiServer({
    state,
    arcServer: { publicKey: network.publicKey, endpoint: arc },
    messages,
    wallClock,
    ...(onApiRequest && { onRequest: onApiRequest }),
  });
  const arcServer = startArcServer({ network, sims: state, messages, wallClock });
  const api = await apiServer.listen(
    options.apiHost ?? DEFAULT_HOST,
    options.apiPort ?? DEFAULT_API_PORT,
  );
  const [{ authKeyId, authKey }] = users;
  return {
    api: `http://${hostAndPort(api.address, api.port)}`,
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

function hostAndPort(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
