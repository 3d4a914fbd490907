import { loadArcConfigSource, INLINE_CONFIG } from '../arc-config/config-source.js';
import type { Files } from '../arc-config/files.js';
import { requireSession } from '../arc-config/require-session.js';
import { parseIp } from '../arc-config/value-syntax.js';
import { formatWgConfig } from '../arc-config/wg-config.js';
import { UserError } from '../lib/user-error.js';
import type { Resolver } from '../tunnel/ports.js';

/**
 * The configuration as wg-quick text, the private key in clear. As in soratun, the server's name
 * becomes the first of its addresses.
 *
 * @param config a path, JSON or its base64, as `--config` takes it
 * @throws ArcConfigError, UserError of kind `failed` when the server's name cannot be resolved
 */
export async function exportWgConfig(
  config: string,
  ports: { readonly files: Files; readonly resolver: Resolver },
): Promise<string> {
  const loaded = await loadArcConfigSource(ports.files, config);
  const source = loaded.source.kind === 'path' ? loaded.source.path : INLINE_CONFIG;
  const { host } = requireSession(loaded.config, source).arcServerEndpoint;
  const endpointHost = parseIp(host) ?? (await resolveFirst(ports.resolver, host));
  return formatWgConfig(loaded.config, { endpointHost, source });
}

async function resolveFirst(resolver: Resolver, host: string): Promise<string> {
  let why = 'the name has no address';
  let cause: unknown;
  try {
    const [address] = await resolver.resolve(host);
    if (address !== undefined) return address;
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
    cause = error;
  }
  const next = ['Check the network and the name server, then try again.'];
  throw new UserError('failed', { what: `cannot resolve ${host}`, why, next }, { cause });
}
