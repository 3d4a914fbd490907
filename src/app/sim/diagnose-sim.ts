/** Compares an arc.json with SORACOM's data about its SIM. */
import { isZeroKey, type ArcSession } from '../../arc-config/arc-config.js';
import { formatKey } from '../../arc-config/value-syntax.js';
import { commandFor } from '../../lib/text/config-name.js';
import { formatAuthority } from '../../lib/text/http-syntax.js';
import type { SimResponse } from '../../soracom/client/responses.js';
import type { LoadedArcConfig } from '../config/load-arc-config.js';
import { readSessionOrNone } from '../session/arc-session.js';
import { simPublicKey } from './sim-summary.js';

/**
 * - `terminated`: the SIM is terminated
 * - `no-private-key`: arc.json has no private key
 * - `other-key`: the SIM's key differs from the one in arc.json
 * - `public-key`: the two keys in arc.json are not a pair, which does not affect the tunnel
 * - `no-session`: SORACOM has no usable session
 * - `other-session`: SORACOM's session differs from the one in arc.json
 */
export type FindingKind =
  'terminated' | 'no-private-key' | 'other-key' | 'public-key' | 'no-session' | 'other-session';

/** A problem that prevents a tunnel from opening, now or later. */
export interface Finding {
  readonly kind: FindingKind;
  readonly problem: string;
  /** What the user must do. */
  readonly next: string;
}

/** The configuration to compare, and its name in messages. */
export type DiagnosedConfig = Pick<LoadedArcConfig, 'config' | 'source' | 'path'>;

/** The advice for an arc.json whose key is not the SIM's. */
export const renewKey = (path: string | undefined) =>
  `Run \`${commandFor('sim renew-key', path)}\` to create a new key pair, or use the arc.json that has the matching private key.`;

/**
 * @param publicKeyOf computes the public key of an X25519 private key
 * @returns the problems; empty if arc.json and SORACOM agree
 */
export function diagnoseSim(
  sim: SimResponse,
  arcConfig: DiagnosedConfig,
  publicKeyOf: (privateKey: Uint8Array) => Uint8Array,
): readonly Finding[] {
  // Other differences do not matter for a terminated SIM.
  if (sim.status === 'terminated') {
    const problem = 'The SIM is terminated and cannot open a tunnel.';
    const next = `Move ${arcConfig.source} to another folder, and run \`${commandFor('bootstrap authkey', arcConfig.path)}\` to create another SIM, which will be billed.`;
    return [{ kind: 'terminated', problem, next }];
  }
  return [...keyFindings(sim, arcConfig, publicKeyOf), ...sessionFindings(sim, arcConfig)];
}

function keyFindings(
  sim: SimResponse,
  { config: { privateKey, publicKey }, source, path }: DiagnosedConfig,
  publicKeyOf: (privateKey: Uint8Array) => Uint8Array,
): readonly Finding[] {
  if (isZeroKey(privateKey.expose())) {
    const problem = `${source} has no private key.`;
    return [{ kind: 'no-private-key', problem, next: renewKey(path) }];
  }
  const own = formatKey(publicKeyOf(privateKey.expose()));
  const platforms = simPublicKey(sim);
  if (platforms !== undefined && platforms !== own) {
    const problem = `The SIM's public key is ${platforms}, but the key in ${source} has the public key ${own}. The server does not answer handshakes with that key.`;
    return [{ kind: 'other-key', problem, next: renewKey(path) }];
  }
  // The tunnel does not use the public key, but a wrong one may mislead users.
  if (isZeroKey(publicKey) || formatKey(publicKey) === own) return [];
  return [
    {
      kind: 'public-key',
      problem: `publicKey in ${source} does not match privateKey, whose public key is ${own}.`,
      next: 'Correct publicKey. The tunnel works even if publicKey is wrong.',
    },
  ];
}

function sessionFindings(sim: SimResponse, { config, source, path }: DiagnosedConfig): Finding[] {
  const next = `Run \`${commandFor('bootstrap authkey', path)}\` to create a new session in ${source}.`;
  const { arcSessionStatus: held } = config;
  const answer = sim.arcSessionStatus;
  if (answer === undefined || sim.sessionStatus?.online === false) {
    const problem = 'The SIM has no session, so the server does not answer handshakes.';
    return [{ kind: 'no-session', problem, next }];
  }
  const told = readSessionOrNone(answer);
  if (told === undefined) {
    const problem = 'The session that SORACOM reports is incomplete.';
    return [{ kind: 'no-session', problem, next }];
  }
  if (held === undefined) {
    return [{ kind: 'other-session', problem: `${source} has no session.`, next }];
  }
  const compared: [name: string, ours: string, theirs: string][] = [
    ['Server key', formatKey(held.arcServerPeerPublicKey), formatKey(told.arcServerPeerPublicKey)],
    ['Endpoint', endpointOf(held), endpointOf(told)],
    ['Allowed IPs', allowedIpsOf(held), allowedIpsOf(told)],
    ['Address', held.arcClientPeerIpAddress ?? '', told.arcClientPeerIpAddress ?? ''],
  ];
  return compared
    .filter(([, ours, theirs]) => ours !== theirs)
    .map(([name, ours, theirs]) => ({
      kind: 'other-session',
      problem: `${name}: ${theirs || 'none'} in SORACOM, but ${ours || 'none'} in ${source}.`,
      next,
    }));
}

function endpointOf({ arcServerEndpoint }: ArcSession): string {
  if (arcServerEndpoint === undefined) return '';
  const { host, port } = arcServerEndpoint;
  return formatAuthority({ host: host.toLowerCase(), port });
}

function allowedIpsOf({ arcAllowedIps }: ArcSession): string {
  return [...(arcAllowedIps ?? [])].sort().join(', ');
}
