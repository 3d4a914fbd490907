/** Compares an arc.json with what the platform knows of its SIM. */
import { isZeroKey, type ArcConfig, type ArcSession } from '../arc-config/arc-config.js';
import { formatKey } from '../arc-config/value-syntax.js';
import type { SimAnswer } from '../soracom/answers.js';
import { readSessionOrNone } from './arc-session.js';
import { simPublicKey } from './sim-summary.js';

/** Something that keeps a tunnel from opening, or will. */
export interface Finding {
  readonly problem: string;
  /** What to do about it. */
  readonly next: string;
}

const TERMINATED_NEXT =
  'Move arc.json away; `arctun bootstrap authkey` creates another SIM, which is billed.';
const REFRESH = '`arctun bootstrap authkey` makes a new session and writes it into arc.json.';
const RENEW_KEY =
  '`arctun sim renew-key` makes a new pair for both; or use the arc.json that holds the private key of that one.';

/**
 * @param config with the newest session that is known
 * @param publicKeyOf gives the public key of an X25519 private one
 * @returns the findings; none where the two agree
 */
export function diagnoseSim(
  sim: SimAnswer,
  config: ArcConfig,
  publicKeyOf: (privateKey: Uint8Array) => Uint8Array,
): readonly Finding[] {
  // Whatever else differs then is of no interest.
  if (sim.status === 'terminated') {
    return [{ problem: 'The SIM is terminated: no tunnel opens any more.', next: TERMINATED_NEXT }];
  }
  return [...keyFindings(sim, config, publicKeyOf), ...sessionFindings(sim, config)];
}

function keyFindings(
  sim: SimAnswer,
  { privateKey, publicKey }: ArcConfig,
  publicKeyOf: (privateKey: Uint8Array) => Uint8Array,
): readonly Finding[] {
  if (isZeroKey(privateKey.expose())) {
    return [{ problem: 'arc.json holds no private key.', next: RENEW_KEY }];
  }
  const own = formatKey(publicKeyOf(privateKey.expose()));
  const platforms = simPublicKey(sim);
  if (platforms !== undefined && platforms !== own) {
    const problem = `The key of the SIM is ${platforms}, that of arc.json ${own}: no handshake is answered.`;
    return [{ problem, next: RENEW_KEY }];
  }
  // The tunnel uses the private key alone; whoever reads the other may be led astray.
  if (isZeroKey(publicKey) || formatKey(publicKey) === own) return [];
  return [
    {
      problem: `The publicKey in arc.json is not that of its privateKey, which is ${own}.`,
      next: 'Correct publicKey; the tunnel opens all the same.',
    },
  ];
}

function sessionFindings(sim: SimAnswer, { arcSessionStatus: held }: ArcConfig): Finding[] {
  const answer = sim.arcSessionStatus;
  if (answer === undefined || sim.sessionStatus?.online === false) {
    return [{ problem: 'The SIM has no session: no handshake is answered.', next: REFRESH }];
  }
  const told = readSessionOrNone(answer);
  if (told === undefined) {
    return [{ problem: 'The session that the platform tells is not whole.', next: REFRESH }];
  }
  if (held === undefined) return [{ problem: 'arc.json holds no session.', next: REFRESH }];
  return differences(held, told).map(({ name, ours, theirs }) => ({
    problem: `${name}: the platform has ${theirs}, arc.json has ${ours}.`,
    next: REFRESH,
  }));
}

interface Difference {
  readonly name: string;
  readonly ours: string;
  readonly theirs: string;
}

function differences(held: ArcSession, told: ArcSession): Difference[] {
  const compared: [name: string, ours: string, theirs: string][] = [
    [
      'Key of the server',
      formatKey(held.arcServerPeerPublicKey),
      formatKey(told.arcServerPeerPublicKey),
    ],
    ['Endpoint', endpointOf(held), endpointOf(told)],
    ['Allowed IPs', allowedIpsOf(held), allowedIpsOf(told)],
    ['Address', addressOf(held), addressOf(told)],
  ];
  return compared
    .filter(([, ours, theirs]) => ours !== theirs)
    .map(([name, ours, theirs]) => ({ name, ours: ours || 'none', theirs: theirs || 'none' }));
}

function endpointOf({ arcServerEndpoint }: ArcSession): string {
  if (arcServerEndpoint === undefined) return '';
  const { host, port } = arcServerEndpoint;
  return host.includes(':') ? `[${host}]:${port}` : `${host.toLowerCase()}:${port}`;
}

function allowedIpsOf({ arcAllowedIps }: ArcSession): string {
  return [...(arcAllowedIps ?? [])].sort().join(', ');
}

function addressOf({ arcClientPeerIpAddress = '' }: ArcSession): string {
  return arcClientPeerIpAddress;
}
