/** bootstrap() of the library, with the use cases of the bootstrap commands. */
import { bootstrapAuthkey } from '../app/bootstrap/bootstrap-authkey.js';
import { bootstrapCellular, SORACOM_URLS } from '../app/bootstrap/bootstrap-cellular.js';
import { dumpBootstrap } from '../app/bootstrap/bootstrap-dump.js';
import type { BootstrapAuthkeyOptions } from '../app/bootstrap/bootstrap-run.js';
import { bootstrapSim } from '../app/bootstrap/bootstrap-sim.js';
import type { KryptonResult } from '../app/bootstrap/krypton-target.js';
import { messageOf } from '../lib/errors/error-message.js';
import { UserError } from '../lib/errors/user-error.js';
import { stateFolder } from '../system/files/state-folder.js';
import type { ArcJson } from './arc-json.js';
import type {
  AuthKeyBootstrap,
  BootstrapOptions,
  BootstrapResult,
  BootstrapTarget,
  CellularBootstrap,
  KryptonCli,
  SimBootstrap,
} from './bootstrap-options.js';
import { checkOptions } from './check-options.js';
import { namingOptions } from './option-names.js';
import { soracomPorts, systemPorts, userAgent } from './soracom-ports.js';

/** See bootstrap() in index.ts. */
export function bootstrap(options: BootstrapOptions): Promise<BootstrapResult> {
  return namingOptions(async () => {
    const { method = 'authkey' } = (options as BootstrapOptions | undefined) ?? {};
    // JavaScript callers may pass any value.
    if (!(['authkey', 'cellular', 'sim'] as unknown[]).includes(method)) throw unknownMethod();
    checkOptions('bootstrap()', method, options);
    requireTarget(options);
    if (options.method === 'cellular') return cellular(options);
    return options.method === 'sim' ? sim(options) : authkey(options);
  }, 'path');
}

async function authkey(options: AuthKeyBootstrap): Promise<BootstrapResult> {
  const { path, save, signal, name, group, tags = {} } = options;
  const { ownKey = false, saveProfile = false, adopt, createAnother = false } = options;
  if (save !== undefined && (ownKey || adopt !== undefined)) throw needsPath();
  const ports = soracomPorts(options, {}, signal);
  const folder = stateFolder();
  const run: BootstrapAuthkeyOptions = {
    path: path ?? spareName(folder),
    stateFolder: folder,
    platform: process.platform,
    labels: {
      name,
      group,
      tags: Object.entries(tags).map(([tagName, tagValue]) => ({ tagName, tagValue })),
    },
    ...{ ownKey, saveProfile, adopt, createAnother },
  };
  if (save === undefined) return bootstrapAuthkey(run, ports, signal);
  // A failure matters only if `save` fails, too: the error then contains the configuration.
  await ports.files.createFolder(folder).catch(() => undefined);
  let saved: ArcJson | undefined;
  const print = async (text: string) => {
    const arcJson = JSON.parse(text) as ArcJson;
    await save(arcJson);
    saved = arcJson;
  };
  const notes = await dumpBootstrap(run, { ...ports, print, unprinted: UNSAVED }, signal);
  return { simId: saved?.simId ?? '', path: undefined, created: true, notes };
}

const UNSAVED = 'the option save failed';

/** Returns a path that no other run uses, for a configuration that `save` could not save. */
function spareName(folder: string): string {
  return `${folder}/sim-${crypto.randomUUID()}.json`;
}

async function cellular(options: CellularBootstrap): Promise<BootstrapResult> {
  const { endpoint, metadataEndpoint, signal } = options;
  return krypton(options, async (target, ports) => {
    const urls = {
      endpoint: endpoint ?? process.env.ARCTUN_KRYPTON_ENDPOINT ?? SORACOM_URLS.krypton,
      metadataEndpoint: metadataEndpoint ?? SORACOM_URLS.metadata,
    };
    return bootstrapCellular({ ...target, ...urls, userAgent: userAgent() }, ports, signal);
  });
}

async function sim(options: SimBootstrap): Promise<BootstrapResult> {
  const kryptonCli = kryptonCliOptions(options.kryptonCli);
  return krypton(options, (target, ports) =>
    bootstrapSim({ ...target, kryptonCli }, ports, options.signal),
  );
}

/** The defaults are those of the command `bootstrap sim`. */
function kryptonCliOptions(cli: KryptonCli = {}) {
  return {
    path: cli.path ?? '/usr/local/bin/krypton-cli',
    interface: cli.interface ?? 'autoDetect',
    'port-name': cli.portName ?? '',
    'provisioning-api-endpoint-url': cli.provisioningApiEndpointUrl ?? '',
    params: cli.params ?? '',
    'keys-api-endpoint-url': cli.keysApiEndpointUrl ?? '',
    'signature-algorithm': cli.signatureAlgorithm ?? 'SHA-256',
    'baud-rate': cli.baudRate ?? 57_600,
    'data-bits': cli.dataBits ?? 8,
    'stop-bits': cli.stopBits ?? 1,
    'parity-mode': cli.parityMode ?? 0,
    'disable-key-cache': cli.disableKeyCache ?? false,
    'clear-key-cache': cli.clearKeyCache ?? false,
    debug: false,
  };
}

interface KryptonTarget {
  readonly path: string;
  readonly dumpConfig: boolean;
  readonly rescueFolder: string;
  readonly platform: string;
}

async function krypton(
  { path, save }: BootstrapTarget,
  run: (
    target: KryptonTarget,
    ports: typeof systemPorts & { readonly note: (line: string) => void },
  ) => Promise<KryptonResult>,
): Promise<BootstrapResult> {
  const notes: string[] = [];
  const target = {
    path: path ?? '',
    dumpConfig: path === undefined,
    rescueFolder: stateFolder(),
    platform: process.platform,
  };
  const result = await run(target, { ...systemPorts, note: (line) => void notes.push(line) });
  if (!('arcJson' in result)) return { ...result, notes };
  const arcJson = JSON.parse(result.arcJson.expose()) as ArcJson;
  try {
    await save?.(arcJson);
  } catch (error) {
    throw notSaved(error);
  }
  return { simId: arcJson.simId ?? '', path: undefined, created: true, notes };
}

function notSaved(error: unknown): UserError {
  return new UserError('failed', {
    what: 'the option save failed, so the new configuration is lost',
    why: messageOf(error),
    next: [
      'Call bootstrap() again: the previous key pair no longer works. This does not create a second SIM.',
    ],
    cause: error,
  });
}

function requireTarget({ path, save }: BootstrapTarget): void {
  if ((path === undefined) !== (save === undefined)) return;
  throw usage(
    path === undefined
      ? 'it is not clear where to save the private key'
      : 'path and save cannot be used together',
    'Pass either path, the arc.json to write, or save, a function that gets the configuration.',
  );
}

function needsPath(): UserError {
  return usage(
    'ownKey and adopt need path, because the new key must be in a file before SORACOM gets its public key',
    'Pass path instead of save.',
  );
}

function unknownMethod(): UserError {
  return usage('method must be authkey, cellular or sim', 'Correct the option method.');
}

function usage(why: string, next: string): UserError {
  const what = 'cannot use the options of bootstrap()';
  return new UserError('usage', { what, why, next: ['Nothing was created or changed.', next] });
}
