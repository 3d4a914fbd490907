import { fileFailure } from '../../arc-config/arc-config-file.js';
import { loadArcConfigSource, INLINE_CONFIG } from '../../arc-config/config-source.js';
import { FileError, type Files } from '../../ports/files.js';
import { requireSession } from '../../arc-config/require-session.js';
import { parseIp } from '../../arc-config/value-syntax.js';
import {
  commandsChangedByWgConfig,
  formatWgConfig,
  type WgConfigOptions,
} from '../../arc-config/wg-quick/wg-config.js';
import { messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { Resolver } from '../../ports/resolver.js';
import type { LoadedArcConfig } from './load-arc-config.js';

export interface ExportWgConfigOptions {
  /** A path, JSON or its base64, as `--config` takes it. */
  readonly config: string;
  /** Whether the server stays as it is named; otherwise it becomes an address, as in soratun. */
  readonly keepHostname: boolean;
}

export interface ExportedWgConfig {
  /** wg-quick's text, the private key in clear. */
  readonly text: string;
  /** What will not be as arc.json says it. */
  readonly warnings: readonly string[];
}

/**
 * The configuration as wg-quick text. A name becomes the first of its addresses.
 *
 * @throws ArcConfigError, UserError of kind `tunnel` when the server's name cannot be resolved
 */
export async function exportWgConfig(
  { config, keepHostname }: ExportWgConfigOptions,
  ports: { readonly files: Files; readonly resolver: Resolver },
): Promise<ExportedWgConfig> {
  const loaded = await loadArcConfigSource(ports.files, config);
  const source = loaded.source.kind === 'path' ? loaded.source.path : INLINE_CONFIG;
  const { host } = requireSession(loaded.config, source).arcServerEndpoint;
  const endpointHost = keepHostname
    ? host
    : (parseIp(host) ?? (await resolveFirst(ports.resolver, host)));
  const text = formatWgConfig(loaded.config, { endpointHost, source });
  const warnings = commandsChangedByWgConfig(loaded.config).map(
    (keyPath) =>
      `${keyPath} in ${source} has quotes, spaces or shell characters in an argument: wg-quick gives the line to a shell, which reads it in another way.`,
  );
  return { text, warnings };
}

/**
 * What `up` shows of its configuration where SORACOM_VERBOSE is set, with soratun's banners. A name
 * stays a name: nothing is to be waited for.
 *
 * @throws ArcConfigError
 */
export function verboseWgConfig(
  { config, source }: Pick<LoadedArcConfig, 'config' | 'source'>,
  overrides: WgConfigOptions['overrides'] = {},
): string {
  const endpointHost = requireSession(config, source).arcServerEndpoint.host;
  return [
    '--- WireGuard configuration ----------------------\n',
    formatWgConfig(config, { endpointHost, source, hidesSecrets: true, overrides }),
    '--- End of WireGuard configuration ---------------\n',
  ].join('');
}

/**
 * Writes an image that holds the private key to a new file, for its owner alone. A file that exists stays:
 * it may be arc.json.
 * @throws UserError of kind `configuration` (no such folder), `permission` or `failed`
 */
export async function createPrivateImage(
  files: Files,
  path: string,
  image: Uint8Array,
): Promise<void> {
  try {
    await files.createBytes(path, image);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const next = ['Name a new file with --png.'];
    throw fileFailure(error, { what: `cannot write ${files.absolute(path)}`, next });
  }
}

async function resolveFirst(resolver: Resolver, host: string): Promise<string> {
  let why = 'the name has no address';
  let cause: unknown;
  try {
    const [address] = (await resolver.resolve(host)).addresses;
    if (address !== undefined) return address;
  } catch (error) {
    why = messageOf(error);
    cause = error;
  }
  const next = [
    'Check the name, the network and the name server, or use --keep-hostname, which asks nobody.',
  ];
  throw new UserError('tunnel', { what: `cannot resolve ${host}`, why, next }, { cause });
}
