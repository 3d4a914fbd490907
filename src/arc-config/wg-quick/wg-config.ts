import { redactCommand } from '../../lib/secrets/redacted-command.js';
import { formatAuthority } from '../../lib/text/http-syntax.js';
import { ArcConfigError, type ArcConfigFault, unplacedFault } from '../arc-config-error.js';
import { effectiveKeepalive, effectiveMtu, type ArcConfig } from '../arc-config.js';
import { formatHook, survivesAsHook } from './hook-command.js';
import { requireSession } from '../require-session.js';
import type { TunnelOverrides } from '../tunnel-faults.js';
import { formatKey } from '../value-syntax.js';

export interface WgConfigOptions {
  /** The server's IP address, or its host name if the name is to be kept. */
  readonly endpointHost: string;
  /** The configuration's name in errors. */
  readonly source?: string;
  /** Whether to print `(hidden)` instead of the private key, and to redact secrets in commands. */
  readonly hidesSecrets?: boolean;
  /** Values that override the configuration's values; `additionalAllowedIps` only adds prefixes. */
  readonly overrides?: TunnelOverrides;
}

/**
 * Formats the configuration for wg-quick. The result equals soratun's, except for brackets around
 * an IPv6 endpoint. The private key is in clear text unless `hidesSecrets` is set.
 *
 * @throws ArcConfigError if the session is incomplete, or a command has several lines
 */
export function formatWgConfig(
  config: ArcConfig,
  { endpointHost, source = 'arc.json', hidesSecrets = false, overrides = {} }: WgConfigOptions,
): string {
  const session = requireSession(config, source);
  const faults = hooksOf(config).flatMap(hookFaults);
  if (faults.length > 0) throw new ArcConfigError(source, faults);
  const address = session.arcClientPeerIpAddress;
  const allowedIps = [
    ...session.arcAllowedIps,
    ...config.additionalAllowedIps,
    ...(overrides.additionalAllowedIps ?? []),
  ];
  const shown = hidesSecrets ? redactCommand : (command: readonly string[]) => command;
  return [
    '[Interface]',
    `Address = ${address}/${address.includes(':') ? 128 : 32}`,
    `PrivateKey = ${hidesSecrets ? '(hidden)' : formatKey(config.privateKey.expose())}`,
    `MTU = ${overrides.mtu ?? effectiveMtu(config)}`,
    ...hooksOf(config).map(({ key, command }) => `${key} = ${formatHook(shown(command))}`),
    '',
    '[Peer]',
    `PublicKey = ${formatKey(session.arcServerPeerPublicKey)}`,
    `AllowedIPs = ${allowedIps.join(', ')}`,
    `Endpoint = ${formatAuthority({ host: endpointHost, port: session.arcServerEndpoint.port })}`,
    `PersistentKeepalive = ${overrides.persistentKeepalive ?? effectiveKeepalive(config)}`,
    '',
  ].join('\n');
}

/**
 * Lists the commands, as key paths such as `postUp[0]`, that wg-quick would run differently from
 * arctun. The reason is that arguments are joined without quotes, as in soratun.
 */
export function commandsChangedByWgConfig(config: ArcConfig): readonly string[] {
  return hooksOf(config)
    .filter(({ command }) => !survivesAsHook(command))
    .map(({ keyPath }) => keyPath);
}

const HOOKS = ['preUp', 'postUp', 'preDown', 'postDown'] as const;

/** Returns the commands in the order of the text. Like soratun, skips those without a program. */
function hooksOf(config: ArcConfig) {
  const commands = HOOKS.flatMap((member) =>
    config[member].map((command, index) => {
      return { key: member.replace('p', 'P'), keyPath: `${member}[${index}]`, command };
    }),
  );
  return commands.filter(({ command: [program = ''] }) => program !== '');
}

/** Rejects arguments with newlines, which would start another line of the file. */
function hookFaults({ keyPath, command }: ReturnType<typeof hooksOf>[number]): ArcConfigFault[] {
  return command.flatMap((argument, index) => {
    if (!/[\r\n]/.test(argument)) return [];
    const expected =
      'a single line, because wg-quick does not support more; put longer commands in a script';
    const found = 'an argument with several lines';
    return [unplacedFault(`${keyPath}[${index}]`, found, expected)];
  });
}
