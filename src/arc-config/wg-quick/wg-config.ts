import { redactCommand } from '../../lib/secrets/redacted-command.js';
import { ArcConfigError, type ArcConfigFault } from '../arc-config-error.js';
import { effectiveKeepalive, effectiveMtu, type ArcConfig } from '../arc-config.js';
import { formatHook, survivesAsHook } from './hook-command.js';
import { requireSession } from '../require-session.js';
import { formatKey } from '../value-syntax.js';

export interface WgConfigOptions {
  /** The server's address, or its name where that is to stay. */
  readonly endpointHost: string;
  /** How errors name the configuration. */
  readonly source?: string;
  /** Whether `(hidden)` replaces the private key, and secrets in commands are hidden, too. */
  readonly hidesSecrets?: boolean;
  /** What takes the place of the configuration's own, and prefixes beside them. */
  readonly overrides?: {
    readonly mtu?: number | undefined;
    readonly persistentKeepalive?: number | undefined;
    readonly additionalAllowedIps?: readonly string[];
  };
}

/**
 * The configuration as wg-quick reads it, private key in clear unless it is to be hidden: soratun's
 * text, but with brackets around an IPv6 endpoint.
 *
 * @throws ArcConfigError when there is no complete session, or a command has several lines
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
    `Endpoint = ${bracket(endpointHost)}:${session.arcServerEndpoint.port}`,
    `PersistentKeepalive = ${overrides.persistentKeepalive ?? effectiveKeepalive(config)}`,
    '',
  ].join('\n');
}

/**
 * The commands that wg-quick will not read as arc.json means them, for the text joins the arguments
 * without quotes, as soratun's does: `postUp[0]` and so on.
 */
export function commandsChangedByWgConfig(config: ArcConfig): readonly string[] {
  return hooksOf(config)
    .filter(({ command }) => !survivesAsHook(command))
    .map(({ keyPath }) => keyPath);
}

interface Hook {
  readonly key: 'PreUp' | 'PostUp' | 'PreDown' | 'PostDown';
  readonly keyPath: string;
  readonly command: readonly string[];
}

/** The commands in the order of the text; soratun skips one without a program. */
function hooksOf({ preUp, postUp, preDown, postDown }: ArcConfig): Hook[] {
  return [
    ...preUp.map((command, index) => hook('PreUp', `preUp[${index}]`, command)),
    ...postUp.map((command, index) => hook('PostUp', `postUp[${index}]`, command)),
    ...preDown.map((command, index) => hook('PreDown', `preDown[${index}]`, command)),
    ...postDown.map((command, index) => hook('PostDown', `postDown[${index}]`, command)),
  ].filter(({ command: [program = ''] }) => program !== '');
}

function hook(key: Hook['key'], keyPath: string, command: readonly string[]): Hook {
  return { key, keyPath, command };
}

/** A line end would make a line of its own of what stands behind it. */
function hookFaults({ keyPath, command }: Hook): ArcConfigFault[] {
  return command.flatMap((argument, index) => {
    if (!/[\r\n]/.test(argument)) return [];
    const expected = 'one line, for wg-quick knows no other; a script of its own can have more';
    const found = 'an argument of several lines';
    return [{ line: 0, keyPath: `${keyPath}[${index}]`, found, expected }];
  });
}

function bracket(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
