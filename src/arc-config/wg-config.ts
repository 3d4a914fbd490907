import { effectiveKeepalive, effectiveMtu, type ArcConfig } from './arc-config.js';
import { requireSession } from './require-session.js';
import { formatKey } from './value-syntax.js';

/**
 * The configuration as wg-quick reads it, private key in clear: soratun's text, but with brackets
 * around an IPv6 endpoint, without which no WireGuard reads it.
 *
 * @param options `endpointHost`: address of the server, already resolved; `source` names the
 *   configuration in an error
 * @throws ArcConfigError when there is no complete session
 */
export function formatWgConfig(
  config: ArcConfig,
  { endpointHost, source = 'arc.json' }: { endpointHost: string; source?: string },
): string {
  const session = requireSession(config, source);
  const address = session.arcClientPeerIpAddress;
  const allowedIps = [...session.arcAllowedIps, ...config.additionalAllowedIps];
  return [
    '[Interface]',
    `Address = ${address}/${address.includes(':') ? 128 : 32}`,
    `PrivateKey = ${formatKey(config.privateKey.expose())}`,
    `MTU = ${effectiveMtu(config)}`,
    ...commandLines('PostUp', config.postUp),
    ...commandLines('PostDown', config.postDown),
    '',
    '[Peer]',
    `PublicKey = ${formatKey(session.arcServerPeerPublicKey)}`,
    `AllowedIPs = ${allowedIps.join(', ')}`,
    `Endpoint = ${bracket(endpointHost)}:${session.arcServerEndpoint.port}`,
    `PersistentKeepalive = ${effectiveKeepalive(config)}`,
    '',
  ].join('\n');
}

/** One line for each command; soratun skips one without a program. */
function commandLines(key: string, commands: readonly (readonly string[])[]): string[] {
  return commands
    .filter(([program = '']) => program !== '')
    .map((command) => `${key} = ${command.join(' ')}`);
}

function bracket(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
