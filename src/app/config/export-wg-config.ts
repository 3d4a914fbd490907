import { explainingFile } from '../../arc-config/arc-config-file.js';
import { readConfigText } from '../../arc-config/config-source.js';
import type { Files } from '../../ports/files.js';
import { readSessionConfig } from '../../arc-config/parse-arc-config.js';
import { requireSession } from '../../arc-config/require-session.js';
import { parseIp } from '../../arc-config/value-syntax.js';
import type { TunnelOverrides } from '../../arc-config/tunnel-faults.js';
import { commandsChangedByWgConfig, formatWgConfig } from '../../arc-config/wg-quick/wg-config.js';
import { messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { Resolver } from '../../ports/resolver.js';
import type { LoadedArcConfig } from './load-arc-config.js';

export interface ExportWgConfigOptions {
  /** A path, JSON text or base64-encoded JSON, as for `--config`. */
  readonly config: string;
  /** Whether to keep the server's host name, which is otherwise resolved, as in soratun. */
  readonly keepHostname: boolean;
}

export interface ExportedWgConfig {
  /** The wg-quick configuration, with the private key in clear text. */
  readonly text: string;
  /** Differences in behavior between the exported configuration and arc.json. */
  readonly warnings: readonly string[];
}

/**
 * Exports the configuration in wg-quick's format. A host name is replaced by its first address.
 *
 * @throws ArcConfigError, UserError of kind `tunnel` if the server's name cannot be resolved
 */
export async function exportWgConfig(
  { config, keepHostname }: ExportWgConfigOptions,
  ports: { readonly files: Files; readonly resolver: Resolver },
): Promise<ExportedWgConfig> {
  const { text: json, path: source } = await readConfigText(ports.files, config);
  const loaded = readSessionConfig(json, { path: source });
  const { host } = requireSession(loaded, source).arcServerEndpoint;
  const endpointHost = keepHostname
    ? host
    : (parseIp(host) ?? (await resolveFirst(ports.resolver, host)));
  const text = formatWgConfig(loaded, { endpointHost, source });
  const warnings = commandsChangedByWgConfig(loaded).map(
    (keyPath) =>
      `${keyPath} in ${source} has an argument with quotes, spaces or shell characters; wg-quick's shell interprets these differently.`,
  );
  return { text, warnings };
}

/**
 * Formats the configuration that `up` prints if SORACOM_VERBOSE is set, with soratun's banners.
 * Host names are not resolved, because that could delay `up`.
 *
 * @throws ArcConfigError
 */
export function verboseWgConfig(
  { config, source }: Pick<LoadedArcConfig, 'config' | 'source'>,
  overrides: TunnelOverrides = {},
): string {
  const endpointHost = requireSession(config, source).arcServerEndpoint.host;
  return [
    '--- WireGuard configuration ----------------------\n',
    formatWgConfig(config, { endpointHost, source, hidesSecrets: true, overrides }),
    '--- End of WireGuard configuration ---------------\n',
  ].join('');
}

/**
 * Writes an image that contains the private key to a new file that only its owner can read. An
 * existing file is never replaced, because it may be arc.json.
 * @throws UserError of kind `configuration` (no such folder), `permission` or `failed`
 */
export async function createPrivateImage(
  files: Files,
  path: string,
  image: Uint8Array,
): Promise<void> {
  const next = ['Choose a new file with --png.'];
  const text = { what: `cannot write ${files.absolute(path)}`, next };
  await explainingFile(text, () => files.createBytes(path, image));
}

async function resolveFirst(resolver: Resolver, host: string): Promise<string> {
  let why = 'the name does not have an IP address';
  let cause: unknown;
  try {
    const [address] = (await resolver.resolve(host)).addresses;
    if (address !== undefined) return address;
  } catch (error) {
    why = messageOf(error);
    cause = error;
  }
  const next = [
    'Check the name, the network and the name server, or use --keep-hostname, which does not need DNS.',
  ];
  throw new UserError('tunnel', { what: `cannot resolve ${host}`, why, next, cause });
}
