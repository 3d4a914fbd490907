import { ArcConfigError, type ArcConfigFault } from './arc-config-error.js';
import { isZeroKey, type ArcConfig, type ArcEndpoint, type ArcSession } from './arc-config.js';

/** A session with all that a tunnel needs. */
export interface CompleteArcSession extends ArcSession {
  readonly arcServerEndpoint: ArcEndpoint;
  readonly arcClientPeerIpAddress: string;
  readonly arcAllowedIps: readonly string[];
}

/**
 * The session of a configuration that is to carry traffic. The file may lack any part of it; a
 * tunnel may not.
 *
 * @param source how messages name the configuration
 * @throws ArcConfigError naming all that is missing
 */
export function requireSession(config: ArcConfig, source: string): CompleteArcSession {
  const session = config.arcSessionStatus;
  if (session === undefined) {
    const expected = 'the session that bootstrap writes';
    throw new ArcConfigError(source, [missing('arcSessionStatus', expected)]);
  }
  return completeSession(session, source);
}

/** @throws ArcConfigError naming all that is missing */
export function completeSession(session: ArcSession, source: string): CompleteArcSession {
  const { arcServerEndpoint, arcClientPeerIpAddress, arcAllowedIps } = session;
  const faults: ArcConfigFault[] = [];
  if (isZeroKey(session.arcServerPeerPublicKey)) {
    faults.push(missing('arcSessionStatus.arcServerPeerPublicKey', "the server's public key"));
  }
  if (arcServerEndpoint === undefined) {
    faults.push(missing('arcSessionStatus.arcServerEndpoint', '"host" or "host:port"'));
  }
  if (arcClientPeerIpAddress === undefined) {
    faults.push(missing('arcSessionStatus.arcClientPeerIpAddress', 'an IP address'));
  }
  if (faults.length > 0 || !arcServerEndpoint || !arcClientPeerIpAddress) {
    throw new ArcConfigError(source, faults);
  }
  const allowedIps = arcAllowedIps ?? [];
  return { ...session, arcServerEndpoint, arcClientPeerIpAddress, arcAllowedIps: allowedIps };
}

function missing(keyPath: string, expected: string): ArcConfigFault {
  return { line: 0, keyPath, found: 'nothing', expected };
}
