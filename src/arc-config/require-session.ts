import { ArcConfigError, type ArcConfigFault, unplacedFault } from './arc-config-error.js';
import { isZeroKey, type ArcConfig, type ArcEndpoint, type ArcSession } from './arc-config.js';

/** A session with everything that a tunnel needs. */
export interface CompleteArcSession extends ArcSession {
  readonly arcServerEndpoint: ArcEndpoint;
  readonly arcClientPeerIpAddress: string;
  readonly arcAllowedIps: readonly string[];
}

/**
 * Returns a configuration's session, and requires everything that a tunnel needs. arc.json may omit
 * the private key and parts of the session.
 *
 * @param source the configuration's name in messages
 * @throws ArcConfigError that lists all missing parts
 */
export function requireSession(config: ArcConfig, source: string): CompleteArcSession {
  const { arcSessionStatus: session } = config;
  const faults = missingParts(config);
  if (faults.length > 0 || session === undefined) throw new ArcConfigError(source, faults);
  return completeSession(session, source);
}

/** Describes the value of a key's member, given its path, if the parsed key is zero. */
export type ZeroKeyFound = (keyPath: string) => string;

/** Both an absent key and the key that `config init` prints are parsed as zeros. */
const noKey: ZeroKeyFound = () => 'no key, or a key that is all zeros';

/** Lists the members that a tunnel needs but the configuration lacks. */
export function missingParts(
  { privateKey, arcSessionStatus: session }: ArcConfig,
  zeroKeyFound = noKey,
): ArcConfigFault[] {
  const hasKey = !isZeroKey(privateKey.expose());
  return [
    ...(hasKey
      ? []
      : [unplacedFault('privateKey', zeroKeyFound('privateKey'), 'the key that bootstrap writes')]),
    ...(session
      ? missingSessionParts(session, zeroKeyFound)
      : [unplacedFault('arcSessionStatus', 'nothing', 'the session that bootstrap writes')]),
  ];
}

/** @throws ArcConfigError that lists all missing parts */
export function completeSession(session: ArcSession, source: string): CompleteArcSession {
  const { arcServerEndpoint, arcClientPeerIpAddress, arcAllowedIps } = session;
  const faults = missingSessionParts(session);
  if (faults.length > 0 || !arcServerEndpoint || !arcClientPeerIpAddress) {
    throw new ArcConfigError(source, faults);
  }
  const allowedIps = arcAllowedIps ?? [];
  return { ...session, arcServerEndpoint, arcClientPeerIpAddress, arcAllowedIps: allowedIps };
}

function missingSessionParts(session: ArcSession, zeroKeyFound = noKey): ArcConfigFault[] {
  const parts: readonly [key: keyof ArcSession, isThere: boolean, expected: string][] = [
    [
      'arcServerPeerPublicKey',
      !isZeroKey(session.arcServerPeerPublicKey),
      "the server's public key",
    ],
    ['arcServerEndpoint', session.arcServerEndpoint !== undefined, '"host" or "host:port"'],
    ['arcClientPeerIpAddress', session.arcClientPeerIpAddress !== undefined, 'an IP address'],
  ];
  return parts
    .filter(([, isThere]) => !isThere)
    .map(([key, , expected]) => {
      const keyPath = `arcSessionStatus.${key}`;
      const found = key === 'arcServerPeerPublicKey' ? zeroKeyFound(keyPath) : 'nothing';
      return unplacedFault(keyPath, found, expected);
    });
}
