/**
 * Creates a virtual SIM with an auth key and writes its arc.json, or renews the session of the SIM
 * that an arc.json already has.
 *
 * A SIM costs money and its private key is told once. So: what can be refused is refused before
 * the first call, createSim is called once, and its answer is on the disk before anything else.
 */
import { writeArcConfig } from '../arc-config/arc-config-file.js';
import { ArcConfigError } from '../arc-config/arc-config-error.js';
import {
  DEFAULT_KEEPALIVE,
  DEFAULT_MTU,
  defaultInterface,
  KEY_LENGTH,
  type ArcConfig,
  type ArcSession,
} from '../arc-config/arc-config.js';
import type { Files } from '../arc-config/files.js';
import { parseArcSession } from '../arc-config/parse-arc-config.js';
import { completeSession } from '../arc-config/require-session.js';
import { parseKey } from '../arc-config/value-syntax.js';
import { Secret } from '../lib/secret.js';
import { UserError } from '../lib/user-error.js';
import type { ArcSessionAnswer, SimAnswer } from '../soracom/answers.js';
import type { AuthKey } from '../soracom/client.js';
import { resolveCredentials, type ChosenCredentials } from './bootstrap-credentials.js';
import { keepArcConfig } from './bootstrap-rescue.js';
import { proveTargetWritable, readBootstrapTarget } from './bootstrap-target.js';

/** The calls that this use case makes; `SoracomClient` has them. */
export interface BootstrapApi {
  auth(key: AuthKey): Promise<void>;
  createSim(): Promise<SimAnswer>;
  createArcSession(simId: string): Promise<ArcSessionAnswer>;
  logout(): Promise<void>;
}

export interface BootstrapAuthkeyOptions extends ChosenCredentials {
  /** The arc.json to create or refresh. */
  readonly path: string;
  /** Where arc.json goes when `path` cannot be written after all. */
  readonly rescueFolder: string;
  /** `process.platform`, for the name of the interface. */
  readonly platform: string;
  /** ARCTUN_ENDPOINT and SORACOM_ENDPOINT are read here. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface BootstrapPorts {
  readonly files: Files;
  /** @param signal as given to `bootstrapAuthkey` */
  createClient(endpoint: string, signal?: AbortSignal): BootstrapApi;
}

export interface BootstrapResult {
  readonly simId: string;
  /** Absolute. */
  readonly path: string;
  /** Whether a SIM was created; otherwise the session of an existing one was renewed. */
  readonly created: boolean;
}

/** As soratun's: enough for three calls, and of no use to a thief later. */
const TOKEN_TIMEOUT_SECONDS = 300;

/**
 * @param signal stops the work where that loses nothing; it rejects with the signal's reason
 * @throws MissingCredentialsError, UserError of kind `usage`
 * @throws UserError of kind `configuration`, `permission`, `failed` when the target is refused;
 *   nothing was created then
 * @throws ApiError
 * @throws BootstrapRescueError when a SIM was created and `path` could not be written
 */
export async function bootstrapAuthkey(
  options: BootstrapAuthkeyOptions,
  ports: BootstrapPorts,
  signal?: AbortSignal,
): Promise<BootstrapResult> {
  const { files } = ports;
  const existing = await readBootstrapTarget(files, options.path);
  const { endpoint, ...key } = resolveCredentials(options, existing?.profile, options.env);
  await proveTargetWritable(files, options.path);
  signal?.throwIfAborted();

  const client = ports.createClient(endpoint, signal);
  await client.auth({ ...key, tokenTimeoutSeconds: TOKEN_TIMEOUT_SECONDS });
  try {
    const simId = existing
      ? await refresh(existing, client, files, options.path)
      : await create(client, files, options);
    return { simId, path: files.absolute(options.path), created: existing === undefined };
  } finally {
    // The token dies by itself soon; that it could not be revoked is no failure of ours.
    await client.logout().catch(() => undefined);
  }
}

async function refresh(
  existing: ArcConfig,
  client: BootstrapApi,
  files: Files,
  path: string,
): Promise<string> {
  const session = readSession(await client.createArcSession(existing.simId), existing.simId);
  // Members that somebody added to the old session are kept; what the platform says is replaced.
  const unknownKeys = existing.arcSessionStatus?.unknownKeys ?? [];
  await writeArcConfig(files, path, { ...existing, arcSessionStatus: { ...session, unknownKeys } });
  return existing.simId;
}

async function create(
  client: BootstrapApi,
  files: Files,
  options: BootstrapAuthkeyOptions,
): Promise<string> {
  const sim = await client.createSim();
  const session = sim.arcSessionStatus && readSessionOrNone(sim.arcSessionStatus);
  const config = freshConfig(sim, session, options.platform);
  await keepArcConfig(files, config, options);
  if (session === undefined) await addSession(config, client, files, options.path);
  return sim.simId;
}

/** The key is safe by now; whatever fails here is repaired by a second run. */
async function addSession(
  config: ArcConfig,
  client: BootstrapApi,
  files: Files,
  path: string,
): Promise<void> {
  try {
    const session = readSession(await client.createArcSession(config.simId), config.simId);
    await writeArcConfig(files, path, { ...config, arcSessionStatus: session });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const text = {
      what: `SIM ${config.simId} was created and its key is in ${files.absolute(path)}, but it has no session`,
      why: `${error.what}: ${error.why}`,
      next: [...error.next, 'Run the same command again: it creates a session, not a second SIM.'],
    };
    throw new UserError(error.kind, text, { cause: error });
  }
}

/** What soratun writes for a new SIM, except the profile: an API secret is kept in no file. */
function freshConfig(sim: SimAnswer, session: ArcSession | undefined, platform: string): ArcConfig {
  return {
    ...simKeys(sim),
    simId: sim.simId,
    logLevel: 2,
    enableMetrics: true,
    interface: defaultInterface(platform),
    additionalAllowedIps: [],
    mtu: DEFAULT_MTU,
    persistentKeepalive: DEFAULT_KEEPALIVE,
    postUp: [],
    postDown: [],
    ...(session && { arcSessionStatus: session }),
    unknownKeys: [],
  };
}

/**
 * The keys stand in the profile that carries a private one. soratun looks under the SIM's id; the
 * map's key is an ICCID, which is the same thing for a stand-alone virtual SIM only.
 */
function simKeys({ simId, profiles = {} }: SimAnswer): Pick<ArcConfig, 'privateKey' | 'publicKey'> {
  for (const profile of Object.values(profiles)) {
    const privateKey = parseKey(profile?.arcClientPeerPrivateKey?.expose() ?? '');
    if (privateKey === undefined) continue;
    const publicKey = parseKey(profile?.arcClientPeerPublicKey ?? '') ?? new Uint8Array(KEY_LENGTH);
    return { privateKey: new Secret(privateKey), publicKey };
  }
  throw new UserError('api', {
    what: `SIM ${simId} was created, but no arc.json could be made for it`,
    why: 'the answer of the SORACOM API has no private key',
    next: [
      `Give SIM ${simId} new Arc credentials in the user console, or terminate it: it is billed.`,
      'Do not run bootstrap again for this SIM: it would create a second one.',
    ],
  });
}

/** A session in the answer to createSim that is of no use is as good as none: one is asked for. */
function readSessionOrNone(answer: ArcSessionAnswer): ArcSession | undefined {
  try {
    return parseSession(answer);
  } catch (error) {
    if (error instanceof ArcConfigError) return undefined;
    throw error;
  }
}

function readSession(answer: ArcSessionAnswer, simId: string): ArcSession {
  try {
    return parseSession(answer);
  } catch (error) {
    if (!(error instanceof ArcConfigError)) throw error;
    const text = {
      what: `cannot use the new Arc session of SIM ${simId}`,
      why: error.why,
      next: ['Check that the endpoint is the SORACOM API; otherwise try again later.'],
    };
    throw new UserError('api', text, { cause: error });
  }
}

/** @throws ArcConfigError when the answer does not make a whole session */
function parseSession(answer: ArcSessionAnswer): ArcSession {
  const source = 'the answer of the SORACOM API';
  return completeSession(parseArcSession(JSON.stringify(answer), { path: source }), source);
}
