/** `bootstrap authkey` with files in memory, against a server that records its requests. */
import { bootstrapAuthkey } from '../../src/app/bootstrap/bootstrap-authkey.js';
import { BootstrapRescueError } from '../../src/app/bootstrap/bootstrap-rescue.js';
import type {
  BootstrapAuthkeyOptions,
  BootstrapPorts,
} from '../../src/app/bootstrap/bootstrap-run.js';
import { createNodeCrypto } from '../../src/crypto/node.js';
import { Secret } from '../../src/lib/secrets/secret.js';
import { SoracomClient } from '../../src/soracom/client/client.js';
import { MemoryFiles } from '../arc-config/memory-files.js';
import { MemoryJournals } from '../arc-config/memory-journals.js';
import { PRIVATE_KEY, PUBLIC_KEY, SERVER_KEY } from '../arc-config/sample.js';
import { InstantClock } from '../soracom/instant-clock.js';
import { json, RecordingServer, status, type Answer } from '../soracom/recording-server.js';
import { failureOf } from './failure-of.js';

export const SIM_ID = '8942310022000099999';
export const SESSION = {
  arcServerPeerPublicKey: SERVER_KEY,
  arcServerEndpoint: 'beck.arc.soracom.io:11010',
  arcAllowedIPs: ['100.127.0.0/21', '100.127.10.0/28'],
  arcClientPeerIpAddress: '10.9.8.7',
};
const PROFILES = {
  '8942000000000000000': { iccid: '8942000000000000000' },
  '8942111111111111111': {
    arcClientPeerPrivateKey: PRIVATE_KEY,
    arcClientPeerPublicKey: PUBLIC_KEY,
  },
};
export const SIM = {
  simId: SIM_ID,
  type: 'virtual',
  status: 'active',
  arcSessionStatus: SESSION,
  profiles: PROFILES,
};

/** The locally generated key pair, fixed for the tests. */
export const OWN_PRIVATE_KEY = Buffer.alloc(32, 0x40).toString('base64');
export const OWN_PUBLIC_KEY = Buffer.alloc(32, 0x41).toString('base64');

export const TARGET = '/home/arc.json';
export const RENEW = `PUT /v1/sims/${SIM_ID}/credentials/arc`;
export const CREATE_SESSION = `POST /v1/sims/${SIM_ID}/sessions/arc`;

/** arc.json of SIM_ID up to its session. */
export function head(privateKey = PRIVATE_KEY, publicKey = PUBLIC_KEY): string {
  return `{
  "privateKey": "${privateKey}",
  "publicKey": "${publicKey}",
  "simId": "${SIM_ID}",
  "logLevel": 2,
  "enableMetrics": true,
  "interface": "soratun0",
  "mtu": 1420,
  "persistentKeepalive": 60`;
}

/** arc.json of SIM_ID with SESSION. */
export function whole(privateKey = PRIVATE_KEY, publicKey = PUBLIC_KEY): string {
  return `${head(privateKey, publicKey)},
  "arcSessionStatus": {
    "arcServerPeerPublicKey": "${SERVER_KEY}",
    "arcServerEndpoint": "beck.arc.soracom.io:11010",
    "arcAllowedIPs": [
      "100.127.0.0/21",
      "100.127.10.0/28"
    ],
    "arcClientPeerIpAddress": "10.9.8.7"
  }
}
`;
}

export class BootstrapHarness {
  readonly files = new MemoryFiles();
  readonly journals = new MemoryJournals();
  readonly server: RecordingServer;
  /** The profiles that the signed-in user was offered. */
  readonly profiles: unknown[] = [];

  private constructor(server: RecordingServer) {
    this.server = server;
  }

  static async start(): Promise<BootstrapHarness> {
    return new BootstrapHarness(
      await RecordingServer.start({
        'POST /v1/auth': json({ apiKey: 'api-1', token: 'token-1' }),
        'POST /v1/sims': json(SIM, 201),
        [CREATE_SESSION]: json(SESSION),
        'POST /v1/sims/8942310022000012345/sessions/arc': json(SESSION),
        [RENEW]: json({ arcClientPeerPublicKey: OWN_PUBLIC_KEY }),
        [`PUT /v1/sims/${SIM_ID}/tags`]: json(SIM),
        'GET /v1/groups/g-1': json({ groupId: 'g-1' }),
        [`POST /v1/sims/${SIM_ID}/set_group`]: json(SIM),
        'POST /v1/auth/logout': status(204),
      }),
    );
  }

  get ports(): Omit<BootstrapPorts, 'chooseSim'> {
    return {
      files: this.files,
      journals: this.journals,
      credentials: (profile) => {
        this.profiles.push(profile);
        return Promise.resolve({
          signIn: {
            kind: 'auth-key' as const,
            authKeyId: 'keyId-1',
            authKey: new Secret('secret-1'),
          },
          endpoint: this.server.url,
          headers: {},
        });
      },
      createClient: ({ endpoint }, signal) =>
        new SoracomClient({
          endpoint,
          userAgent: 'arctun/0',
          clock: new InstantClock(),
          random: () => 0,
          ...(signal && { signal }),
        }),
      createKeyPair: () => ({
        privateKey: new Secret(new Uint8Array(32).fill(0x40)),
        publicKey: new Uint8Array(32).fill(0x41),
      }),
      publicKeyOf: (privateKey) => createNodeCrypto().publicKey(privateKey),
      now: () => 0,
    };
  }

  run(
    options: Partial<BootstrapAuthkeyOptions> = {},
    { signal, ...ports }: Partial<BootstrapPorts> & { signal?: AbortSignal } = {},
  ) {
    return bootstrapAuthkey(optionsWith(options), { ...this.ports, ...ports }, signal);
  }

  answering(call: string, answer: Answer): void {
    this.server.answers.set(call, answer);
  }

  /** How often a call was made. */
  count(call: string): number {
    return this.server.calls.filter((made) => made === call).length;
  }

  /** The journal's steps, or undefined without a journal. */
  get steps(): string[] | undefined {
    return this.journals.lines
      .get('arc.json')
      ?.map((line) => (JSON.parse(line) as { step: string }).step);
  }

  close(): Promise<void> {
    return this.server.close();
  }
}

export function optionsWith(options: Partial<BootstrapAuthkeyOptions>): BootstrapAuthkeyOptions {
  return {
    path: 'arc.json',
    stateFolder: '/state',
    platform: 'linux',
    ...options,
  };
}

export async function rescueOf(promise: Promise<unknown>): Promise<BootstrapRescueError> {
  const error = await failureOf(promise);
  if (error instanceof BootstrapRescueError) return error;
  throw new Error('no BootstrapRescueError', { cause: error });
}
