import { sameBytes } from '../../lib/same-bytes.js';
import { isZeroKey } from '../../arc-config/arc-config.js';
import type { ConfigNotice } from '../../arc-config/member-notices.js';
import { readableWarning, refuseHooksOfOthers } from './config-file-rights.js';
import { type LoadedArcConfig, loadTunnelConfig } from './load-arc-config.js';
import { type KeyPorts, planTunnel } from '../up/plan-tunnel.js';
import { UserError } from '../../lib/errors/user-error.js';
import { parseEndpointUrl } from '../../soracom/endpoint-url.js';
import type { StateHome } from '../session/session-state.js';

/**
 * Checks a configuration exactly as `up` without flags does, without opening a tunnel.
 *
 * @param value as for --config, or the bytes of standard input
 * @returns problems that do not prevent the tunnel from working
 * @throws ArcConfigError with every error found
 * @throws UserError if the configuration cannot be read, or if other users could have written its
 * commands
 */
export async function validateConfig(
  value: string | Uint8Array,
  home: StateHome,
  ports: KeyPorts,
): Promise<readonly ConfigNotice[]> {
  const arcConfig = await loadTunnelConfig(value, home);
  refuseHooksOfOthers(arcConfig);
  planTunnel({ arcConfig }, ports);
  return configNotices(arcConfig, ports);
}

/** Finds likely mistakes in a valid configuration, for `validate` and `up` to report. */
export function configNotices(
  arcConfig: LoadedArcConfig,
  { crypto }: KeyPorts,
): readonly ConfigNotice[] {
  const { config, source, notices = [] } = arcConfig;
  const readable = readableWarning(arcConfig);
  const located = [
    ...(readable === undefined ? [] : [{ kind: 'warning' as const, line: 0, text: readable }]),
    ...notices.map(({ text, ...notice }) => ({
      ...notice,
      text: `${source}, line ${notice.line}: ${text}`,
    })),
    ...endpointNotice(arcConfig),
  ];
  const own = crypto.publicKey(config.privateKey.expose());
  const { publicKey } = config;
  if (isZeroKey(publicKey) || sameBytes(own, publicKey)) return located;
  const text = `publicKey in ${source} does not match privateKey. The tunnel does not need publicKey, but one of the two keys may belong to another SIM.`;
  return [...located, { kind: 'warning', line: 0, text }];
}

/** A tunnel works without the API, but its session cannot be renewed. */
function endpointNotice({ config, source }: LoadedArcConfig): readonly ConfigNotice[] {
  const { endpoint = '' } = config.profile ?? {};
  if (endpoint === '') return [];
  try {
    parseEndpointUrl(endpoint);
    return [];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const text = `profile.endpoint in ${source} cannot be used to renew the session: ${error.why}`;
    return [{ kind: 'warning', line: 0, text }];
  }
}
